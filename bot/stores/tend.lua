-- tend: the places of who died, and of servers that rested, go to who stands in the line.
-- KEYS due   ARGV bell, at, '', line, parallel, lease_ms, then places
if redis.call('EXISTS', standing(ARGV[4])) == 0 then return end
local bell = cjson.decode(ARGV[1])
bell.at = ARGV[2]
serve(bell, KEYS[1], ARGV[4], {unpack(ARGV, 7)}, ARGV[5], tonumber(ARGV[6]), milliseconds())
