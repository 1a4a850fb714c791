-- The platforms' limits, shared by all workers: at most so many in any window of so long, not on average.
-- ARGV from `first` on, per limit, the widest first: key, most, window_ms. Per limit two LISTs of times:
-- key (given out, so that who waits comes at different times) and key:used (gone, which is what the platform counts).
-- A window counts a tenth longer than the platform's own, for what the way there makes of it.
local STALE = 1000  -- ms; whoever comes so late and finds no room is given a time anew: many may have come late with it

local function limit(first, i)
  local key, most = ARGV[first + 3 * i - 3], tonumber(ARGV[first + 3 * i - 2])
  local whole = math.max(1, math.floor(most))
  return key, whole, 1.1 * ARGV[first + 3 * i - 1] * whole / most
end

local function count_from(first) return (#ARGV - first + 1) / 3 end

local function time_in(list, place) return tonumber(redis.call('LINDEX', list, place)) end

local function remember(list, at, whole, now, window)
  redis.call('RPUSH', list, at)
  redis.call('LTRIM', list, -whole, -1)
  redis.call('PEXPIRE', list, math.ceil(at - now + window))
end

-- Kept as long as the times that it is for, so that no step of the clock finds them without it.
local function note_clock(key, now)
  local left = math.max(1, redis.call('PTTL', key), redis.call('PTTL', key .. ':used'))
  redis.call('SET', key .. ':clock', now, 'PX', left)
end

-- A clock that went back makes all times of a limit worthless.
local function forget_the_future(key, now)
  if now + 1000 < (tonumber(redis.call('GET', key .. ':clock')) or 0) then redis.call('DEL', key, key .. ':used') end
end

-- The end of the pause that the platform wanted from everybody, or now.
local function paused_until(key, now)
  local left = redis.call('PTTL', key .. ':pause')
  if left > (tonumber(redis.call('GET', key .. ':pause')) or 0) then left = 0 end  -- the clock went back
  return now + math.max(0, left)
end

-- When a list has room for one more, if at most `most` of its times may lie in a window.
local function room_at(list, most, window, now)
  local full = time_in(list, -most)
  return math.ceil(math.max(now, full and full + window or 0))
end

-- When all limits have room for one that goes.
local function free_at(first, now)
  local latest = now
  for i = 1, count_from(first) do
    local key, whole, window = limit(first, i)
    latest = math.max(latest, room_at(key .. ':used', whole, window, now))
  end
  return latest
end

-- One goes now: that is what the platform will count.
local function go(first, now)
  for i = 1, count_from(first) do
    local key, whole, window = limit(first, i)
    remember(key .. ':used', now, whole, now, window)
    note_clock(key, now)
  end
end

-- A limit of so few is one chat's own: there one answer grows at a time, and one place is enough for its end.
local FEW = 5

-- Previews and typing take only what is free now, and leave half of every window that many share to the answers.
local function spare_at(first, now)
  local latest = now
  for i = 1, count_from(first) do
    local key, whole, window = limit(first, i)
    local share = math.max(1, whole <= FEW and whole - 1 or math.floor(whole / 2))
    forget_the_future(key, now)
    latest = math.max(latest, paused_until(key, now),
      room_at(key, share, window, now), room_at(key .. ':used', share, window, now))
  end
  if latest > now then return math.ceil(latest) end
  for i = 1, count_from(first) do
    local key, whole, window = limit(first, i)
    remember(key, now, whole, now, window)
  end
  go(first, now)
  return now
end

-- The time that limit number i gives out next.
local function give_at(first, i, now)
  local key, whole, window = limit(first, i)
  local at = math.max(room_at(key, whole, window, now), time_in(key, -1) or 0)
  remember(key, at, whole, now, window)
  note_clock(key, now)
  return at
end

local function wait_until(state, at, now, passed)
  redis.call('HSET', state, 'permit', at, 'permit_wait', at - now, 'permit_stage', passed)
  return at
end

-- Whoever is patient has a time of its own at one limit after the other, the narrowest first, so that nobody comes in
-- vain and nobody holds a place in a wide limit while waiting for a narrow one. A second run finds what the first was given.
local function permit_at(first, now, state)
  local all = count_from(first)
  local latest = now
  for i = 1, all do
    local key = limit(first, i)
    forget_the_future(key, now)
    latest = math.max(latest, paused_until(key, now))
  end
  if latest > now then return math.ceil(latest) end

  local permit = tonumber(redis.call('HGET', state, 'permit')) or now
  local longest = tonumber(redis.call('HGET', state, 'permit_wait')) or 0
  if permit > now and permit <= now + longest then return permit end
  local passed, free = tonumber(redis.call('HGET', state, 'permit_stage')) or 0, free_at(first, now)
  if permit > now or (permit + STALE <= now and free > now) then passed = 0 end  -- the clock went back, or late
  for i = all - passed, 1, -1 do
    local at = give_at(first, i, now)
    passed = passed + 1
    if at > now then return wait_until(state, at, now, passed) end
  end
  if free > now then return wait_until(state, free, now, passed) end
  redis.call('HDEL', state, 'permit', 'permit_wait', 'permit_stage')
  go(first, now)
  return now
end
