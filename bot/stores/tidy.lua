-- tidy: names of people of whom nothing is left are nobody's any more.
-- ARGV kind (alias | users | former), drop ('1': they go, else it is only looked at), told_ms, then name and value of each
-- Returns for each 1 where it may go (or went), 2 where its conversation is gone but must keep its names, else 0. What reads
-- differently by now stays; so a second run does nothing.
local kind, drop, told_ms = ARGV[1], ARGV[2] == '1', tonumber(ARGV[3])
local hash = ({alias = ALIAS, users = USERS, former = FORMER})[kind]
local parts = {'state', 'history', 'in', 'wip', 'lease', 'turn', 'out', 'dead', 'spoken', 'names', 'raw', 'page'}

local function is_gone(conversation)
  local keys = {}
  for i, part in ipairs(parts) do keys[i] = key(conversation, part) end
  return redis.call('EXISTS', unpack(keys)) == 0 and redis.call('HEXISTS', 'recado:erasing', conversation) == 0
end

-- What was said or told late may still be of who had the name before.
local function is_changed_of_late(name)
  local _, since = former(name)
  return since and math.abs(since) + told_ms >= milliseconds()
end

local verdict = {
  -- Nobody begins anew under a name that somebody else's conversation is called by.
  alias = function(name, own)
    if not is_gone(own) then return 0 end
    return is_gone(name) and not is_changed_of_late(name) and 1 or 2
  end,
  -- Who has a user id is known as long as that leads here: another one is another person's.
  users = function(own, user)
    if not is_gone(own) then return 0 end
    return (not drop or user == own or redis.call('HGET', ALIAS, user) ~= own) and 1 or 2
  end,
  former = function(name)
    local who = former(name)
    local holder = redis.call('HGET', ALIAS, name) or name
    if not who or is_changed_of_late(name) then return 0 end
    return is_gone(who) and is_gone(holder) and is_gone(name) and 1 or 0
  end,
}

local found = {}
for i = 4, #ARGV, 2 do
  local name, value = ARGV[i], ARGV[i + 1]
  local may = redis.call('HGET', hash, name) == value and verdict[kind](name, value) or 0
  if drop and may == 1 then redis.call('HDEL', hash, name) end
  found[#found + 1] = may
end
return found
