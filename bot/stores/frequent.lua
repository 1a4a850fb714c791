-- frequent: what was answered to a first question is kept when a second person has asked the same.
-- KEYS entry state counts   ARGV who asks (a keyed hash), the answer, expire_ms
-- Returns asked (nobody had asked it: only who it was is noted) | stored | had (an answer is there already) | known (they had asked
-- it themselves; so a second run finds it) | gone (they wanted all of them to go, which this must not outlive)
local entry, state, counts = unpack(KEYS)
local who, answer, expire_ms = unpack(ARGV)
if redis.call('EXISTS', state) == 0 or redis.call('HEXISTS', state, 'erased') == 1 then return 'gone' end
local by = redis.call('HGET', entry, 'by')
if by and string.find(by, who, 1, true) then return 'known' end
redis.call('HINCRBY', counts, 'frequent_miss', 1)
if redis.call('HEXISTS', entry, 'answer') == 1 then return 'had' end
if by then
  redis.call('HSET', entry, 'by', by .. ' ' .. who, 'answer', answer)
  redis.call('HINCRBY', counts, 'frequent_stored', 1)
else
  redis.call('HSET', entry, 'by', who)
end
redis.call('PEXPIRE', entry, expire_ms)
return by and 'stored' or 'asked'
