-- glance: who waits, and since when; nothing here takes longer when more do.   KEYS due waiting listening paused
-- Returns {now, with work, overdue, since when the first is due or -1, waiting, since when the first waits or -1,
-- listened to, paused}: all times in ms.
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local function first(index) return math.floor(redis.call('ZRANGE', index, 0, 0, 'WITHSCORES')[2] or -1) end
local due, waiting, listening, paused = unpack(KEYS)
local ahead = '(' .. string.format('%.0f', now)
return {now, redis.call('ZCARD', due), redis.call('ZCOUNT', due, '-inf', now), first(due),
        redis.call('ZCARD', waiting), first(waiting),
        redis.call('ZCOUNT', listening, ahead, '+inf'), redis.call('ZCOUNT', paused, ahead, '+inf')}
