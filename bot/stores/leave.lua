-- leave: a turn gives its place back, and tells how its server did.
-- KEYS due lease
-- ARGV bell, at, conversation, line, parallel, lease_ms, token, place, did (ok | failed | left), rest_ms or 0, then places
-- Returns for how many ms the place is left alone from now on.
local bell = cjson.decode(ARGV[1])
bell.at = ARGV[2]
local line, token, place, did = ARGV[4], ARGV[7], ARGV[8], ARGV[9]
local now = milliseconds()
-- Whoever has taken this turn over sits there now: a late worker takes nobody's place away.
local held = (redis.call('GET', KEYS[2]) or token) == token and redis.call('ZREM', seats(line, place), ARGV[3]) or 0
local failures, rest = 'failures:' .. place, tonumber(ARGV[10])
if did == 'ok' then
  redis.call('HDEL', book(line), failures, 'rest:' .. place)
elseif did == 'failed' then
  if redis.call('HINCRBY', book(line), failures, held) >= FAILURES then rest = math.max(rest, PROBE_MS) end
  rest = math.min(rest, LONGEST_REST)
  if rest > 0 then redis.call('HSET', book(line), 'rest:' .. place, now + rest) end
end
serve(bell, KEYS[1], line, {unpack(ARGV, 11)}, ARGV[5], tonumber(ARGV[6]), now)
return math.max(0, (tonumber(redis.call('HGET', book(line), 'rest:' .. place)) or 0) - now)
