-- What the columns of the views of these files say, for DESCRIBE. Views of declared tables say what their tables do. Making a
-- view anew loses its comments: whoever does so in a later file says them there again.
ALTER TABLE {database}.conservation
    COMMENT COLUMN source_partition 'partition of social.events',
    COMMENT COLUMN read 'records that ingest has read',
    COMMENT COLUMN accepted 'of these, events that count',
    COMMENT COLUMN duplicates 'of these, events that came again',
    COMMENT COLUMN dead_letters 'of these, records that could not be used, over all reasons',
    COMMENT COLUMN residue 'read and nothing of the above; 0 when nothing is under way';

ALTER TABLE {database}.tie_pairs
    COMMENT COLUMN a 'account whose name sorts first',
    COMMENT COLUMN b 'the other account',
    COMMENT COLUMN a_to_b 'actions of a towards b, over all days',
    COMMENT COLUMN b_to_a 'actions of b towards a, over all days';

ALTER TABLE {database}.tie_accounts
    COMMENT COLUMN account 'whose ties',
    COMMENT COLUMN out_ties 'accounts it acted towards',
    COMMENT COLUMN in_ties 'accounts that acted towards it',
    COMMENT COLUMN mutual_ties 'accounts of which both is true',
    COMMENT COLUMN events_given 'actions towards others',
    COMMENT COLUMN events_received 'actions of others towards it',
    COMMENT COLUMN reciprocity 'mutual_ties of out_ties, 0 to 1; null without out_ties';

ALTER TABLE {database}.tie_weights
    COMMENT COLUMN source 'who acted',
    COMMENT COLUMN target 'who received it',
    COMMENT COLUMN events 'actions of every kind but unfollow, over all days',
    COMMENT COLUMN incentivised 'of these, made for something in return, said or not',
    COMMENT COLUMN undisclosed 'of the incentivised, those that do not say so',
    COMMENT COLUMN amplifications 'of the actions, shares, quotes and tags',
    COMMENT COLUMN weight 'sum of efforts, decayed to the end of the last day with a tie of anybody',
    COMMENT COLUMN earned_weight 'of the weight, what was given without an incentive',
    COMMENT COLUMN days 'days with an action',
    COMMENT COLUMN first_day 'first of them',
    COMMENT COLUMN last_day 'last of them';

ALTER TABLE {database}.tie_reciprocity
    COMMENT COLUMN ties 'ordered pairs of accounts with an action, over all days',
    COMMENT COLUMN accounts 'accounts with a tie; estimated where there are many',
    COMMENT COLUMN r 'share of ties that are returned, 0 to 1',
    COMMENT COLUMN density 'share of possible ties that there are, 0 to 1',
    COMMENT COLUMN rho 'r less what a random network of this density has: 1 all are returned, 0 chance, below 0 avoided',
    COMMENT COLUMN weighted 'share of actions that are returned, 0 to 1';

ALTER TABLE {database}.concentration
    COMMENT COLUMN window 'span of time up to as_of',
    COMMENT COLUMN measure 'column of account_scores that is spread',
    COMMENT COLUMN accounts 'accounts that have any of it',
    COMMENT COLUMN total 'what they have together',
    COMMENT COLUMN gini 'Gini coefficient: 0 all have the same, near 1 one has all',
    COMMENT COLUMN herfindahl 'sum of the squares of their shares: 1 / accounts when all have the same, 1 when one has all',
    COMMENT COLUMN top_1_percent_share 'share of the total that the first hundredth of them has, 0 to 1; of one account at least',
    COMMENT COLUMN as_of 'latest event time that a row describes';

ALTER TABLE {database}.concentration_daily
    COMMENT COLUMN day 'day (UTC) on which engagement was received',
    COMMENT COLUMN accounts 'accounts that received any',
    COMMENT COLUMN total 'engagement they received, in events, without follows',
    COMMENT COLUMN gini 'Gini coefficient: 0 all have the same, near 1 one has all',
    COMMENT COLUMN herfindahl 'sum of the squares of their shares: 1 / accounts when all have the same, 1 when one has all',
    COMMENT COLUMN top_1_percent_share 'share of the total that the first hundredth of them has, 0 to 1; of one account at least';

ALTER TABLE {database}.mayors
    COMMENT COLUMN venue 'where',
    COMMENT COLUMN account 'who is or was mayor',
    COMMENT COLUMN days 'days with a check-in, of those looked back over, with which the title was taken',
    COMMENT COLUMN since 'when it was taken',
    COMMENT COLUMN until 'when it was lost; null: is mayor still';

ALTER TABLE {database}.campaign_standings
    COMMENT COLUMN campaign 'id of the campaign',
    COMMENT COLUMN account 'entrant',
    COMMENT COLUMN points 'what it has, by the rules of the campaign',
    COMMENT COLUMN rank '1 is first; equal points: who reached them first; 0 for the disqualified',
    COMMENT COLUMN as_of 'event time that the row describes',
    COMMENT COLUMN reached 'when it came to these points',
    COMMENT COLUMN title 'holds the title of a venue',
    COMMENT COLUMN disclosed 'entries that say what they were made for',
    COMMENT COLUMN undisclosed 'entries that do not',
    COMMENT COLUMN disqualified 'why it is out; empty when it is not',
    COMMENT COLUMN final 'nothing late or undone can change it any more';

ALTER TABLE {database}.loyalty
    COMMENT COLUMN window 'span of time up to the last event',
    COMMENT COLUMN account 'who was engaged with',
    COMMENT COLUMN engagers 'distinct accounts that engaged with it',
    COMMENT COLUMN engagements 'times they did',
    COMMENT COLUMN reach 'engagers of all accounts that gave anything in the window, 0 to 1',
    COMMENT COLUMN frequency 'engagements per engager',
    COMMENT COLUMN expected_frequency 'what double jeopardy expects of an account of this reach',
    COMMENT COLUMN beyond 'frequency to expected_frequency: 1 as expected, 2 twice';

ALTER TABLE {database}.leaderboards
    COMMENT COLUMN board 'influence, outreach, amplification or people; the latter two as far as earned',
    COMMENT COLUMN window 'span of time up to as_of',
    COMMENT COLUMN rank '1 to 100',
    COMMENT COLUMN account 'who',
    COMMENT COLUMN value 'what it is ranked by: a score of 0 to 100, actions, or people',
    COMMENT COLUMN as_of 'event time that the row describes';
