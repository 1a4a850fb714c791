-- names: what each who speaks in a group is called there, so that no two have one name.
-- KEYS names   ARGV expire_ms, then per person: the platform's id, what they call themselves
-- Returns the names. Whoever was first has the plain one, whoever comes later a number; a second run finds them known.
local names = KEYS[1]
local found = {}
for i = 2, #ARGV, 2 do
  local id, name = 'id:' .. ARGV[i], ARGV[i + 1]
  local number, before = string.match(redis.call('HGET', names, id) or '', '^(%d+)|(.*)$')
  if before ~= name then
    number = redis.call('HINCRBY', names, 'of:' .. name, 1)
    redis.call('HSET', names, id, number .. '|' .. name)
  end
  found[#found + 1] = tonumber(number) == 1 and name or name .. ' (' .. number .. ')'
end
redis.call('PEXPIRE', names, ARGV[1])
return found
