-- alias: a conversation goes on under another name. What was said and waits stays where it is, under the oldest name.
-- ARGV old, new, seen key of what told of it or '' (the old name goes on too), seen_ms, at (ms; 0: nobody knows when)
-- A second run finds the name known, and so does the other half of a move that is told twice.
local old, new, at = ARGV[1], ARGV[2], tonumber(ARGV[5])
if ARGV[3] == '' then
  local first = redis.call('HGET', ALIAS, old) or old
  if first ~= new and redis.call('HSETNX', ALIAS, new, first) == 1 and is_user(new) then
    redis.call('HSET', USERS, first, new)
  end
  return
end
if not redis.call('SET', ARGV[3], '1', 'NX', 'PX', ARGV[4]) then return end

-- Who left the old name: who has it, unless somebody took it later than this happened. In doubt, nobody.
local had, since = former(old)
local holder = redis.call('HGET', ALIAS, old) or old
local own = holder
if had and since > 0 then
  if at == 0 then return end
  if at <= since then own = had end
end
if not is_known(own) then return end
if at == 0 then at = milliseconds() end

local before = redis.call('HGET', ALIAS, new) or new
if before ~= own and is_known(before) then take_away(new, before, at, true) end
local state = key(own, 'state')
if redis.call('EXISTS', state) == 1 and speaks_at(own) == old then redis.call('HSET', state, 'address', new) end
if own ~= holder and redis.call('HDEL', state, 'gone') == 1 then redis.call('HDEL', state, 'speak_at', 'speak_wait') end
if own == new then redis.call('HDEL', ALIAS, new) else redis.call('HSET', ALIAS, new, own) end
if is_user(new) then
  redis.call('HSET', USERS, own, new)  -- nobody else ever gets the old one
elseif own == holder and not is_user(old) then
  if has_user(own) then redis.call('HSET', USERS, own, milliseconds()) end
  redis.call('HSET', FORMER, old, string.format('%s|-%.0f', own, at))
  local last = tonumber(string.match(holder, '~(%d+)$')) or 0
  redis.call('HSET', ALIAS, old, string.format('%s~%.0f', old, math.max(milliseconds(), last + 1)))  -- for the next one
end
