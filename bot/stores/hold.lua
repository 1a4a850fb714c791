-- An account on hold: its platform takes nothing from it until somebody mends it. All workers see it here.
-- recado:hold:<account> HASH reason code since wait until; token (of whom nothing is taken), trier (the bubble that is
--   tried, by our id of it), try_until (when whoever tries it must be dead), late (the platform takes bubbles there and
--   says only later that they do not arrive), taken (the one that is tried was)
-- recado:held:<account> ZSET conversation by since when it waits for that
local TRY_MS, LONGEST_HOLD, HOLD_KEPT = 60000, 900000, 604800000
local APART_MS, APART_MOST = 100, 300  -- those who wait come back so far apart, lest all come at once
local WOKEN = 100  -- so many are woken by one script, and each of them wakes as many

local function account_of(conversation) return string.match(conversation, '^[^:]+:[^:]*') end

local function hold_of(account) return 'recado:hold:' .. account end

local function held_of(account) return 'recado:held:' .. account end

-- Those who waited for it go on, whoever waited longest first.
local function wake(bell, account, now)
  local waiting = redis.call('ZPOPMIN', held_of(account), WOKEN)
  for i = 1, #waiting, 2 do
    local state = key(waiting[i], 'state')
    if redis.call('HDEL', state, 'held') == 1 then
      redis.call('HDEL', state, 'speak_at', 'speak_wait')
      redis.call('ZADD', 'recado:due', 'LT', now + 1000, waiting[i])
      if redis.call('EXISTS', key(waiting[i], 'lease')) == 0 then ring(bell, waiting[i]) end
    end
  end
end

local function lift(bell, account, now)
  redis.call('DEL', hold_of(account))
  wake(bell, account, now)
end

-- Until when nobody may send: 0 without a hold, and for whoever may try now. Another token than the one of which
-- nothing is taken ends the hold.
local function held_until(bell, account, token, now)
  local since, known, untill, wait, trier, ends, taken = unpack(redis.call('HMGET', hold_of(account),
    'since', 'token', 'until', 'wait', 'trier', 'try_until', 'taken'))
  if not since then
    if redis.call('EXISTS', held_of(account)) == 1 then wake(bell, account, now) end
    return 0
  end
  if known ~= token and known ~= '' then
    lift(bell, account, now)
    return 0
  end
  untill, ends = tonumber(untill), tonumber(ends) or 0
  if untill > now and untill <= now + wait then return untill end  -- else it is over, or the clock went back
  if trier and ends > now and ends <= now + TRY_MS then return math.min(ends, now + 2000) end
  if trier and taken then lift(bell, account, now) end  -- and no status has said that it did not arrive
  return 0
end

-- This bubble goes out although there is a hold: it is the one that is tried.
local function try(account, token, id, now)
  local hold = hold_of(account)
  if redis.call('EXISTS', hold) == 0 then return end
  redis.call('HSET', hold, 'token', token, 'trier', id, 'try_until', now + TRY_MS)
end

-- What a conversation says waits for the end of the hold.
local function hold_back(account, conversation, untill, now)
  local rank = math.min(APART_MOST, redis.call('ZCARD', held_of(account)))
  redis.call('ZADD', held_of(account), 'NX', now, conversation)
  local at = math.max(untill, now + 1) + rank * APART_MS
  redis.call('HSET', key(conversation, 'state'), 'held', '1', 'speak_at', at, 'speak_wait', at - now)
  return at - now
end

-- The platform takes nothing from this account: a hold begins, or, when that was told of the bubble that was tried, it
-- grows. What another token is told is no news. Returns since when, or nil.
local function halt(account, reason, code, token, first_ms, id, now)
  local hold = hold_of(account)
  local since, known, wait, trier = unpack(redis.call('HMGET', hold, 'since', 'token', 'wait', 'trier'))
  if since and known ~= '' and token ~= '' and known ~= token then return nil end
  if not since then
    since, wait = now, tonumber(first_ms)
    redis.call('HSET', hold, 'since', now, 'token', token, 'wait', wait, 'until', now + wait)
    redis.call('HINCRBY', 'recado:counts', 'holds', 1)
  elseif id ~= '' and trier == id then
    wait = math.max(tonumber(first_ms), math.min(LONGEST_HOLD, 2 * wait))
    redis.call('HSET', hold, 'wait', wait, 'until', now + wait)
    redis.call('HDEL', hold, 'trier', 'try_until', 'taken')
  end
  redis.call('HSET', hold, 'reason', reason, 'code', code)
  redis.call('PEXPIRE', hold, HOLD_KEPT)
  return since
end

-- What became of a bubble, should it be the one that was tried. Whatever shows that the account is well ends the hold;
-- after anything else the next one is tried after the same wait.
local function tried(bell, account, id, well, now)
  local hold = hold_of(account)
  if id == '' or redis.call('HGET', hold, 'trier') ~= id then return end
  if well and redis.call('HEXISTS', hold, 'late') == 1 then
    return redis.call('HSET', hold, 'taken', '1', 'try_until', now + TRY_MS)
  end
  if well then return lift(bell, account, now) end
  redis.call('HSET', hold, 'until', now + redis.call('HGET', hold, 'wait'))
  redis.call('HDEL', hold, 'trier', 'try_until')
end

-- A status of a bubble, should it be the one that was tried: the account is well.
local function heard_of(bell, account, id, now)
  if redis.call('HGET', hold_of(account), 'trier') == id then lift(bell, account, now) end
end
