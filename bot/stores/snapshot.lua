-- snapshot: what some keys hold, all at one moment.
-- KEYS any
-- Returns per key that is there {name, type, when it ends (ms since 1970; 0: never), what it holds}.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local read = {
  string = function(name) return redis.call('GET', name) end,
  list = function(name) return redis.call('LRANGE', name, 0, -1) end,
  set = function(name) return redis.call('SMEMBERS', name) end,
  zset = function(name) return redis.call('ZRANGE', name, 0, -1, 'WITHSCORES') end,
  hash = function(name) return redis.call('HGETALL', name) end,
  stream = function(name) return redis.call('XRANGE', name, '-', '+') end,
}
local found = {}
for _, name in ipairs(KEYS) do
  local kind = redis.call('TYPE', name).ok
  if read[kind] then
    local left = redis.call('PTTL', name)
    found[#found + 1] = {name, kind, left < 0 and 0 or now + left, read[kind](name)}
  end
end
return found
