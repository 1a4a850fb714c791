-- record: what the platform answered about one bubble, written by whoever heard it, lease or no lease.
-- KEYS out state spoken
-- ARGV bell, at, conversation, turn, index, outcome, wait_ms, id under which it was begun or '', the platform's code of
--   the trouble ('0': none), how often there has been trouble with it now ('': it is no matter), well ('1': the account is),
--   the name of the trouble or ''
-- Returns settled when the whole reply is, else open. A reply that is no longer at the head is settled: nothing happens.
local out, state, spoken = unpack(KEYS)
local bell = cjson.decode(ARGV[1])
bell.at = ARGV[2]
tried(bell, account_of(ARGV[3]), ARGV[8], ARGV[11] == '1', milliseconds())
return note(out, state, spoken, ARGV[4], ARGV[5], ARGV[6], tonumber(ARGV[7]), ARGV[8], ARGV[9], ARGV[10], ARGV[12])
