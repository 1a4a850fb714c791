-- record: what the platform answered about one bubble, written by whoever heard it, lease or no lease.
-- KEYS out state spoken   ARGV turn, index, outcome, wait_ms, id under which it was begun or ''
-- Returns settled when the whole reply is, else open. A reply that is no longer at the head is settled: nothing happens.
local out, state, spoken = unpack(KEYS)
return note(out, state, spoken, ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4]), ARGV[5])
