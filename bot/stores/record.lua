-- record: what the platform answered about one bubble, written by whoever heard it, lease or no lease.
-- KEYS out state   ARGV turn, piece name, outcome, pieces, wait_ms
-- The reply leaves the outbox when all its bubbles are settled. wait_ms holds back the whole outbox of this
-- conversation. A reply that is no longer at the head is settled: nothing happens.
local out, state = unpack(KEYS)
local head = redis.call('LINDEX', out, 0)
if not head or string.match(head, '^1|([^|]+)|') ~= ARGV[1] then return 'settled' end
local before = redis.call('HGET', state, ARGV[2]) or ''
if string.sub(before, 1, 4) == 'sent' then return 'settled' end
redis.call('HSET', state, ARGV[2], ARGV[3])
if before ~= ARGV[3] and (ARGV[3] == 'unknown' or ARGV[3] == 'failed') then
  redis.call('HINCRBY', 'recado:counts', ARGV[3], 1)
end
if tonumber(ARGV[5]) > 0 then
  redis.call('HSET', state, 'speak_at', milliseconds() + ARGV[5], 'speak_wait', ARGV[5])
end
local names = {}
for i = 0, ARGV[4] - 1 do
  local name = 'piece:' .. ARGV[1] .. ':' .. i
  local outcome = redis.call('HGET', state, name) or ''
  if outcome ~= 'failed' and string.sub(outcome, 1, 4) ~= 'sent' then return 'open' end
  names[#names + 1] = name
end
redis.call('LPOP', out)
redis.call('HDEL', state, 'speak_at', 'speak_wait', unpack(names))
return 'settled'
