"""The engine room: all that makes Faust fast and exact, and nothing of the domain.

Read in this order:

- `batches`: a polled run of records is one message;
- `store`, `disk`, `table`: state that is written and recovered in batches;
- `outbox`: sends that are acknowledged before anything else happens;
- `wire`, `fetched`: what goes to brokers and comes from them is not copied;
- `gathering`: where little comes, what was polled waits for more;
- `pacing`, `holes`, `lease`: who is polled, what may be passed over, how long we may write;
- `consumer`: Faust's, put together with these: no holes, progress from the state; `clients`: what is changed of aiokafka below;
- `stage`: one agent, put together from these: order check, body, effects, flush;
- `app`, `runtime`: the Faust app on which stages run, and how Python runs it;
- `faults`: crash points and the ways out of the process;
- `supervise`, `seat`: the parent that starts the worker again, at once, in the place of the one before.
"""
