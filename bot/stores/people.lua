-- Whose a name is: one person may have a telephone number and a user id, and a number may be another's next year.
-- recado:alias: a name by whose it is. recado:former: a name by who had it before and since when that is over (ms; where
-- it is negative they gave it up themselves, else somebody else was heard of under it). recado:users: a conversation by
-- the user id of its person; for a while after their number changed, by when that was, for then the user id may change as well.
local ALIAS, FORMER, USERS = 'recado:alias', 'recado:former', 'recado:users'
local SETTLED = 691200000  -- ms; after a number changed, its new user id may come so late

local function is_user(name) return string.find(name, '.', 1, true) ~= nil end

local function is_known(name)
  return redis.call('EXISTS', key(name, 'state')) == 1 or redis.call('HEXISTS', USERS, name) == 1
end

local function former(name)
  local who, since = string.match(redis.call('HGET', FORMER, name) or '', '^(.*)|(-?%d+)$')
  return who, tonumber(since)
end

-- Whose the name was at that time, if it was not theirs who have it now: some messages come late.
local function before_that(name, at)
  local who, since = former(name)
  return who and at <= math.abs(since) and who or nil
end

local function speaks_at(conversation)
  return redis.call('HGET', key(conversation, 'state'), 'address') or conversation
end

-- The name is somebody else's from now on. What is still to be said here goes to the person's user id, or waits for them.
local function take_away(name, from, at, for_certain)
  redis.call('HSET', FORMER, name, from .. '|' .. at)
  local state, user = key(from, 'state'), redis.call('HGET', USERS, from) or ''
  if redis.call('EXISTS', state) == 0 or speaks_at(from) ~= name then return end
  if is_user(user) then
    redis.call('HSET', state, 'address', user)
  elseif for_certain then
    redis.call('HSET', state, 'gone', '1', 'speak_at', milliseconds() + 2592000000, 'speak_wait', 2592000000)
  end
end

-- Whether this conversation's person has a user id, so that another one is another person.
local function has_user(conversation)
  local user = redis.call('HGET', USERS, conversation)
  local changed = user and tonumber(user)
  if changed then return math.abs(milliseconds() - changed) > SETTLED end
  return user and true or is_user(conversation)
end

local function own_name(conversation, name, before, at)
  if before_that(name, at) then return end
  if before and before ~= conversation and is_known(before) then take_away(name, before, at, false) end
  if name == conversation then redis.call('HDEL', ALIAS, name) else redis.call('HSET', ALIAS, name, conversation) end
  if is_user(name) then redis.call('HSET', USERS, conversation, name) end
end

-- The conversation of who has a user id that is known, else of who has the telephone number and no other user id.
local function find(names, known, at)
  local new_user = false
  for i, name in ipairs(names) do
    if is_user(name) then
      if known[i] or is_known(name) then return known[i] or name end
      new_user = name
    end
  end
  for i, name in ipairs(names) do
    local found = before_that(name, at) or known[i] or (is_known(name) and name)
    if found and not is_user(name) and not (new_user and has_user(found)) then return found end
    if found then return new_user end
  end
end

-- The conversation of whoever wrote under these names at that time; from now on they are its names.
local function whose(name, others, at)
  if others == '' then
    local own = redis.call('HGET', ALIAS, name)
    return before_that(name, at) or own or name
  end
  local names, usual = {name}, true
  for other in string.gmatch(others, '%S+') do names[#names + 1] = other end
  local known = redis.call('HMGET', ALIAS, unpack(names))
  local conversation = known[1] or name
  for i = 2, #names do usual = usual and (known[i] or names[i]) == conversation end
  if usual then return conversation end
  conversation = find(names, known, at) or name
  for i, one in ipairs(names) do
    if (known[i] or one) ~= conversation then own_name(conversation, one, known[i] or one, at) end
  end
  if is_user(conversation) then redis.call('HSETNX', USERS, conversation, conversation) end
  return conversation
end
