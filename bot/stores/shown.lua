-- What stands on the chat page of a conversation is a hash: `b:<id>` a bubble as version|place|who|growing|at|text, `n` the
-- newest place, `v` another number whenever anything has changed, `typing` until when (ms) an answer is on its way, and
-- `cleared` the turn up to which its person has cleared everything away.

local function changed(page, live_ms)
  local t = redis.call('TIME')
  local newer = math.max(t[1] * 1000000 + t[2], (tonumber(redis.call('HGET', page, 'v')) or 0) + 1)  -- of whoever was erased, too
  redis.call('HSET', page, 'v', string.format('%.0f', newer))
  redis.call('PEXPIRE', page, live_ms)
end

-- Who was erased is not written to by a worker that hears of it later.
local function is_known_here(page, state) return redis.call('EXISTS', page, state) > 0 end
