-- What a turn does in other conversations when it is committed: for commit.
local HANDOVERS = 'recado:handovers'

-- Whether a reference is another conversation's; those that nobody can have read lately go.
local function is_taken(ref, conversation, keep_ms)
  local known = redis.call('HGETALL', HANDOVERS)
  local oldest = milliseconds() - keep_ms
  local taken = false
  for i = 1, #known, 2 do
    local one = cjson.decode(known[i + 1])
    if one.at < oldest then redis.call('HDEL', HANDOVERS, known[i])
    elseif one.ref == ref and known[i] ~= conversation then taken = true end
  end
  return taken
end

-- The owner's words drop into a customer's mailbox, behind what was said before them: the assistant is silent there
-- from now on, and what it is thinking ends.
local function relay(to, payload, reason, ms)
  local state, now = key(to, 'state'), milliseconds()
  local number = redis.call('HINCRBY', state, 'number', 1)
  redis.call('HSET', state, 'stop', number)
  pause(to, reason, now, ms)
  if redis.call('EXISTS', key(to, 'wip')) == 1 then redis.call('HINCRBY', state, 'revision', 1) end
  redis.call('PERSIST', state)
  redis.call('PERSIST', key(to, 'turn'))
  redis.call('HDEL', state, 'think_at', 'think_wait')
  redis.call('RPUSH', key(to, 'in'), '1|' .. number .. '|' .. now .. '|o|' .. payload)
  begin_to_wait(to, now)
  if redis.call('EXISTS', key(to, 'lease')) == 0 then redis.call('ZADD', 'recado:due', 'LT', now, to) end
end

-- Why an aside cannot be carried out as it was thought, so that the turn is to be thought anew; else nil.
local function hindered(aside, conversation, keep_ms)
  if aside.handover and is_taken(aside.handover.ref, conversation, keep_ms) then return true end
  if aside.relay and redis.call('HEXISTS', HANDOVERS, aside.relay.to) == 0 then return true end  -- they were erased
  return aside.relay and redis.call('HGET', key(aside.relay.to, 'state'), 'paused') == 'opted out'
end

local function carry_out(aside, conversation)
  for _, told in ipairs(aside.tells) do post(told[1], told[2]) end
  if aside.handover then
    aside.handover.at = milliseconds()
    redis.call('HSET', HANDOVERS, conversation, cjson.encode(aside.handover))
  end
  if aside.relay then relay(aside.relay.to, aside.relay.payload, aside.relay.reason, aside.relay.ms) end
  if aside.resumes then end_pause(aside.resumes) end
end
