-- The line before something scarce (the model servers, the one seat for suspects): who comes first is served first.
-- recado:line:<line>         ZSET  conversation by its number in the line
-- recado:line:<line>:state   HASH  number; failures:<place> in a row; rest:<place> until when it is left alone
-- recado:places:<line>:<place> ZSET conversation by when its place ends unless it is renewed
-- A place that has failed so often in a row gets one request at a time, PROBE_MS apart, until one succeeds.
local FAILURES, PROBE_MS, LONGEST_REST = 5, 10000, 120000

local function seats(line, place) return 'recado:places:' .. line .. ':' .. place end

local function standing(line) return 'recado:line:' .. line end

local function book(line) return 'recado:line:' .. line .. ':state' end

local function free(line, place, parallel, lease_ms, now)
  redis.call('ZREMRANGEBYSCORE', seats(line, place), '-inf', now)
  -- A place that is kept for longer than any is proves that the clock went back: cap it.
  for _, one in ipairs(redis.call('ZRANGEBYSCORE', seats(line, place), '(' .. now + lease_ms, '+inf')) do
    redis.call('ZADD', seats(line, place), now + lease_ms, one)
  end
  local rest = tonumber(redis.call('HGET', book(line), 'rest:' .. place)) or 0
  if rest > now and rest <= now + LONGEST_REST then return 0 end
  local failures = tonumber(redis.call('HGET', book(line), 'failures:' .. place)) or 0
  return (failures >= FAILURES and 1 or tonumber(parallel)) - redis.call('ZCARD', seats(line, place))
end

local function seat(line, place, conversation, lease_ms, now)
  redis.call('ZREM', standing(line), conversation)
  redis.call('ZADD', seats(line, place), now + lease_ms, conversation)
  redis.call('PEXPIRE', seats(line, place), lease_ms)
end

-- Where there is most room; 0: nowhere.
local function roomiest(room)
  local best, most = 0, 0
  for number, places in ipairs(room) do
    if places > most then best, most = number, places end
  end
  return best
end

-- Every free place goes to the first in the line, who is woken and has a lease's time to come; `me` is awake, and has
-- the first of the places while there is room: its old turns are in that server's cache. All others, the emptiest.
local function serve(bell, due, line, places, parallel, lease_ms, now, me)
  local room = {}
  for number, place in ipairs(places) do room[number] = free(line, place, parallel, lease_ms, now) end
  while roomiest(room) > 0 do
    local first = redis.call('ZRANGE', standing(line), 0, 0)[1]
    while first and redis.call('EXISTS', key(first, 'wip')) == 0 do  -- it was answered without the line
      redis.call('ZREM', standing(line), first)
      first = redis.call('ZRANGE', standing(line), 0, 0)[1]
    end
    if not first then return end
    local best = first == me and room[1] > 0 and 1 or roomiest(room)
    room[best] = room[best] - 1
    seat(line, places[best], first, lease_ms, now)
    redis.call('HDEL', key(first, 'state'), 'think_at', 'think_wait')
    if first ~= me then
      redis.call('ZADD', due, 'XX', now, first)
      ring(bell, first)
    end
  end
end
