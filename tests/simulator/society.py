"""What people do: one social event after the other, as the bytes a producer would send."""

from __future__ import annotations

from array import array
from collections.abc import Callable
from random import Random
from typing import Final, TypeVar

from tests.simulator.crowd import Crowd, Zipf, name_of
from tests.simulator.plan import Plan
from tests.simulator.wording import CAMPAIGNS, INCENTIVES, NETWORKS, ODDITIES, TAGS, WORDS, instant

T = TypeVar("T")

RECENT: Final = 2048
"""How many shares, exchanges and taggings are remembered to be answered."""


class Ring(list[T]):
    """The last RECENT of something, in no particular order."""

    def __init__(self) -> None:
        super().__init__()
        self._seen = 0

    def add(self, what: T) -> None:
        """Remember `what` in the place of the oldest."""
        if self._seen < RECENT:
            self.append(what)
        else:
            self[self._seen % RECENT] = what
        self._seen += 1

    def at(self, where: float) -> T:
        """Return the one at `where`, from 0 to 1."""
        return self[int(where * len(self))]


class Society:
    """The people, and as much of the past as they react to: bounded by their number and by RECENT."""

    def __init__(self, plan: Plan, rng: Random) -> None:
        self._random, self._plan = rng.random, plan
        self.crowd = Crowd(rng, plan.accounts, plan.zipf, plan.mixing)
        self._posts = array("I", bytes(4 * plan.accounts))
        """How many posts each account has written."""
        self._shares: Ring[tuple[str, str, str]] = Ring()
        """Root, its author, and the name under which one can hang below the share."""
        self._met: Ring[tuple[int, int]] = Ring()
        """Who did something to whom."""
        self._tagged: Ring[tuple[int, int]] = Ring()
        """Meme, and who was tagged for it."""
        self._venue = Zipf(rng, max(plan.accounts // 50, 2), 1.0)
        self._regular = Zipf(rng, 12, 0.5)
        words = range(plan.words + 1)
        self._phrases = [" ".join(rng.choices(WORDS, k=rng.choice(words))) for _ in range(RECENT)]
        total = sum(share for _, share in plan.mix)
        self._makers: list[tuple[str, Callable[[str], tuple[int, str]]]] = []
        for kind, share in plan.mix:
            self._makers += [(kind, getattr(self, f"_{kind}"))] * max(1, round(1000 * share / total))

    def act(self, time: int, name: str) -> bytes:
        """Return an event with the id `name` (as it stands in JSON) that happens at `time` (epoch ms)."""
        random = self._random
        if random() < self._plan.hot:
            kind = "share"
            actor, said = self.crowd.active(), ',"object":"p-hot","object_author":"u0","root":"p-hot"'
        else:
            kind, make = self._makers[int(random() * len(self._makers))]
            actor, said = make(name)
        if random() < self._plan.bought:
            said += self._bought()
        if random() < 0.03:
            said += ODDITIES[int(random() * len(ODDITIES))]
        when = instant(time, random())
        return (
            f'{{"id":"{name}","type":"{kind}","time":{when},"actor":"{name_of(actor)}","network":'
            f'"{NETWORKS[actor % 3]}","actor_followers":{self.crowd.followers[actor]}{said}}}'
        ).encode()

    def undo(self, time: int, name: str, of: str) -> bytes:
        """Return an undo of the event with the id `of`."""
        who = name_of(self.crowd.active())
        when = instant(time, self._random())
        return f'{{"undo_of":"{of}","id":"{name}","type":"undo","time":{when},"actor":"{who}"}}'.encode()

    # One method per kind: the actor, and what follows in the JSON. Some act on themselves, as people do.

    def _post(self, name: str) -> tuple[int, str]:
        actor = self.crowd.active()
        self._posts[actor] += 1
        said = f',"object":"p{actor}-{self._posts[actor]}","text":"{self._text()}"'
        if self._random() < 0.2:
            said += ',"media":["photo"]'
        if self._random() < 0.1:
            said += ',"promo":true'
        return actor, said

    def _like(self, name: str) -> tuple[int, str]:
        actor, author = self._pair()
        return actor, f',"object":"{self._latest(author)}","object_author":"{name_of(author)}"'

    _click = _like

    def _reply(self, name: str) -> tuple[int, str]:
        actor, author = self._pair()
        said = f',"object":"{self._latest(author)}","text":"@{name_of(author)} {self._text()}"'
        if self._random() < 0.95:  # the others answer a post whose author they do not know
            said += f',"object_author":"{name_of(author)}"'
        return actor, said

    def _share(self, name: str) -> tuple[int, str]:
        actor, random = self.crowd.active(), self._random
        if self._shares and random() < self._plan.branching:
            root, author, parent = self._shares.at(random())
        else:
            popular = self.crowd.popular()
            root, author, parent = self._latest(popular), name_of(popular), ""
        said = f',"object_author":"{author}"' + (f',"parent":"{parent}"' if parent else "")
        if random() < 0.6:  # acts on the root, is known by the event's id
            said += f',"object":"{root}"' + (f',"root":"{root}"' if parent or random() < 0.5 else "")
            mine = name
        else:  # is a post of its own
            mine = f"s-{name}"
            said += f',"object":"{mine}","root":"{root}"'
        self._shares.add((root, author, mine))
        return actor, said

    def _quote(self, name: str) -> tuple[int, str]:
        actor, said = self._share(name)
        return actor, f'{said},"text":"{self._text()}"'

    def _mention(self, name: str) -> tuple[int, str]:
        actor, target = self._pair()
        if self._random() < 0.25:
            return actor, f',"text":"{self._text()} @u{target} and @u{target}, cc @u{self.crowd.popular()}"'
        others = [f'"{name_of(self.crowd.popular())}"' for _ in range(int(self._random() * 3))]
        names = ",".join((f'"{name_of(target)}"', *others))
        return actor, f',"targets":[{names}],"text":"{self._text()}"'

    def _follow(self, name: str) -> tuple[int, str]:
        actor, target = self._pair()
        return actor, f',"targets":["{name_of(target)}"]'

    _unfollow = _recommend = _follow

    def _referral(self, name: str) -> tuple[int, str]:
        newcomer = self.crowd.size - 1 - self.crowd.active()
        return newcomer, f',"targets":["{name_of(self.crowd.popular())}"]'

    def _tag(self, name: str) -> tuple[int, str]:
        random = self._random
        if self._tagged and random() < 0.8:
            meme, actor = self._tagged.at(random())
        else:
            meme, actor = int(random() * 20), self.crowd.active()
        tagged = [self.crowd.popular(), self.crowd.active(), int(random() * self.crowd.size)]
        for account in tagged:
            self._tagged.add((meme, account))
        names = ",".join(f'"{name_of(account)}"' for account in tagged)
        return actor, f',"root":"meme-{meme}","targets":[{names}]'

    def _checkin(self, name: str) -> tuple[int, str]:
        venue = self._venue()
        return (venue * 31 + self._regular()) % self.crowd.size, f',"venue":"cafe-{venue}"'

    # What they have in common

    def _pair(self) -> tuple[int, int]:
        """Return who acts on whom: one in three answers somebody, the others turn to the popular."""
        if self._met and self._random() < 0.33:
            receiver, actor = self._met.at(self._random())
        else:
            actor, receiver = self.crowd.active(), self.crowd.popular()
        self._met.add((actor, receiver))
        return actor, receiver

    def _latest(self, author: int) -> str:
        """Return one of the author's last posts; the first of all may never be seen."""
        return f"p{author}-{max(self._posts[author] - int(self._random() * 3), 0)}"

    def _text(self) -> str:
        random, phrases = self._random, self._phrases
        text = phrases[int(random() * RECENT)] + " " + phrases[int(random() * RECENT)]
        return text if random() < 0.7 else f"{text} {TAGS[int(random() * len(TAGS))]}"

    def _bought(self) -> str:
        random = self._random
        said = f',"incentive":"{INCENTIVES[int(random() * 4)]}"'
        if random() < 0.5:
            said += f',"campaign":"{CAMPAIGNS[int(random() * 4)]}"'
        return said + (',"disclosed":true' if random() < 0.4 else "")
