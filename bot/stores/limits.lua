-- The platforms' limits, shared by all workers: at most so many in any window of so long, not on average.
-- ARGV from `first` on, per limit, the widest first: key, most, window_ms. Each key is a LIST of the times given out.
-- A window counts a tenth longer than the platform's own, for what the way there makes of it.
local LONGEST_LINE = 3600000  -- ms; a limit that is taken for longer proves that the clock went back

-- When limit number i has room: for all it has, or for only half of it.
local function room_at(first, i, now, half)
  local key, most, window = ARGV[first + 3 * i - 3], tonumber(ARGV[first + 3 * i - 2]), 1.1 * ARGV[first + 3 * i - 1]
  local whole = math.max(1, math.floor(most))
  window = window * whole / most
  local last = tonumber(redis.call('LINDEX', key, -1)) or 0
  if last > now + LONGEST_LINE then redis.call('DEL', key) end
  local full = tonumber(redis.call('LINDEX', key, half and -math.max(1, math.floor(whole / 2)) or -whole))
  local paused = now + redis.call('PTTL', key .. ':pause')
  if paused > now + (tonumber(redis.call('GET', key .. ':pause')) or 0) then paused = now end  -- the clock went back
  local at = math.ceil(math.max(now, paused, tonumber(redis.call('LINDEX', key, -1)) or 0, full and full + window or 0))
  local function give()
    redis.call('RPUSH', key, at)
    redis.call('LTRIM', key, -whole, -1)
    redis.call('PEXPIRE', key, math.ceil(at - now + window))
  end
  return at, give
end

local function count_from(first) return (#ARGV - first + 1) / 3 end

-- Previews and typing take only what is free now, and leave half of every window to the answers.
local function spare_at(first, now)
  local latest, gives = now, {}
  for i = 1, count_from(first) do
    local at, give = room_at(first, i, now, true)
    latest = math.max(latest, at)
    gives[i] = give
  end
  if latest <= now then for _, give in ipairs(gives) do give() end end
  return latest
end

-- Whoever is patient has a time of its own at one limit after the other, the narrowest first, so that nobody comes in
-- vain and nobody holds a place in a wide limit while waiting for a narrow one. A second run finds what the first was given.
local function permit_at(first, now, state)
  local permit = tonumber(redis.call('HGET', state, 'permit')) or now
  local longest = tonumber(redis.call('HGET', state, 'permit_wait')) or 0
  if permit > now and permit <= now + longest then return permit end
  local passed = tonumber(redis.call('HGET', state, 'permit_stage')) or 0
  for i = count_from(first) - passed, 1, -1 do
    local at, give = room_at(first, i, now, false)
    give()
    passed = passed + 1
    if at > now then
      redis.call('HSET', state, 'permit', at, 'permit_wait', at - now, 'permit_stage', passed)
      return at
    end
  end
  redis.call('HDEL', state, 'permit', 'permit_wait', 'permit_stage')
  return now
end
