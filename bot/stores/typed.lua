-- typed: an answer is on its way, for so long or until something of it stands there.
-- KEYS page state   ARGV ms to live, ms
local page, state = KEYS[1], KEYS[2]
if not is_known_here(page, state) then return 0 end
local t = redis.call('TIME')
redis.call('HSET', page, 'typing', string.format('%.0f', t[1] * 1000 + math.floor(t[2] / 1000) + ARGV[2]))
changed(page, ARGV[1])
return 1
