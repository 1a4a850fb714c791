-- enter: a turn asks for a place; if there is none it stands in the line, and nobody holds a thread for it.
-- KEYS due lease out state
-- ARGV bell, at, conversation, line, parallel, lease_ms, token, notice_ms, notice or '',
--   why its last try failed or '', then places: its own first, which it gets while there is room
-- Returns {go, place} | {wait, ms} (the lease is gone) | {lost}. The notice is told to who has stood for notice_ms, once.
local due, lease, out, state = unpack(KEYS)
local bell = cjson.decode(ARGV[1])
bell.at = ARGV[2]
local conversation, line, parallel, lease_ms = ARGV[3], ARGV[4], ARGV[5], tonumber(ARGV[6])
if redis.call('GET', lease) ~= ARGV[7] then return {'lost'} end
local now = milliseconds()
local places = {unpack(ARGV, 11)}

local LOOK_MS = 20000  -- who stands here looks again so often: the platform forgets that we type

local function seated()
  for _, place in ipairs(places) do
    if (tonumber(redis.call('ZSCORE', seats(line, place), conversation)) or 0) > now then return place end
  end
end

local place = seated()
if not place then
  local number = redis.call('HGET', state, 'number:' .. line) or redis.call('HINCRBY', book(line), 'number', 1)
  redis.call('HSETNX', state, 'number:' .. line, number)
  redis.call('HSETNX', state, 'line_at', now)
  redis.call('ZADD', standing(line), number, conversation)
  serve(bell, due, line, places, parallel, lease_ms, now, conversation)
  place = seated()
end
if place then
  seat(line, place, conversation, lease_ms, now)
  if line == 'suspects' then redis.call('HSET', state, 'suspect', '1') end
  return {'go', place}
end

local wait = LOOK_MS
if ARGV[9] ~= '' and redis.call('HEXISTS', state, 'told') == 0 then
  local since = tonumber(redis.call('HGET', state, 'line_at'))
  if since > now then  -- the clock went back
    since = now
    redis.call('HSET', state, 'line_at', now)
  end
  local left = ARGV[8] - (now - since)
  if left > 0 then
    wait = math.min(wait, left)
  else
    redis.call('HSET', state, 'told', '1')
    redis.call('RPUSH', out, ARGV[9])
  end
end
if stopped(conversation) then wait = 0 end  -- it need not stand here in order to end
redis.call('HSET', state, 'think_at', now + wait, 'think_wait', wait)
if ARGV[10] ~= '' then redis.call('HSET', state, 'why', ARGV[10]) end
redis.call('HDEL', state, 'thinker', 'suspect')
redis.call('DEL', lease)
local at = now + wait
if redis.call('EXISTS', out) == 1 then at = math.min(at, math.max(now, speak_after(state, now))) end
redis.call('ZADD', due, at, conversation)
return {'wait', math.max(1, at - now)}
