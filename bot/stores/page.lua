-- page: a bubble on the chat page, put there or changed.
-- KEYS page state  ARGV id, who, growing (1|0), text, ms to live, most bubbles, 1 when only one that stands there is changed
-- Returns whether it stands there. Twice with the same arguments: the same bubble at the same place.
local page, state = KEYS[1], KEYS[2]
local id, who, live_ms, most = ARGV[1], ARGV[2], ARGV[5], tonumber(ARGV[6])
local field = 'b:' .. id

-- Turns begin with 1 again: what answered those of before must not be taken for an answer to these.
local function begin_anew()
  for _, name in ipairs(redis.call('HKEYS', page)) do
    if string.match(name, '^b:%-?%d+%.%d+$') then
      local bubble = redis.call('HGET', page, name)
      redis.call('HDEL', page, name)
      redis.call('HSET', page, name .. '~' .. string.match(bubble, '^%d+|(%d+)'), bubble)
    end
  end
  redis.call('HDEL', page, 'cleared')
end

-- Whether an answer that is not there may come: its person may have cleared it away before it did.
local function is_wanted()
  local turn = tonumber(string.match(id, '^%-?(%d+)%.'))
  return is_known_here(page, state) and (not turn or turn > (tonumber(redis.call('HGET', page, 'cleared')) or 0))
end

local function trim()
  if redis.call('HLEN', page) <= most + 10 then return end
  local newest = tonumber(redis.call('HGET', page, 'n'))
  for _, name in ipairs(redis.call('HKEYS', page)) do
    local old = string.match(name, '^b:') and tonumber(string.match(redis.call('HGET', page, name), '^1|(%d+)|'))
    if old and old <= newest - most then redis.call('HDEL', page, name) end
  end
end

if who == 'person' and redis.call('EXISTS', state) == 0 then begin_anew() end
local known = redis.call('HGET', page, field)
if known and who ~= 'person' and ARGV[7] == '0' then return 1 end  -- it says more by now, perhaps all
if not known and (ARGV[7] == '1' or who ~= 'person' and not is_wanted()) then return 0 end
local place, at = string.match(known or '', '^1|(%d+)|%a+|%d|(%d+)|')
if not place then
  local t = redis.call('TIME')
  place, at = redis.call('HINCRBY', page, 'n', 1), string.format('%.0f', t[1] * 1000 + math.floor(t[2] / 1000))
end
redis.call('HSET', page, field, table.concat({'1', place, who, ARGV[3], at, ARGV[4]}, '|'))
if who ~= 'person' then redis.call('HDEL', page, 'typing') end
changed(page, live_ms)
trim()
return 1
