-- What is said in another conversation than the one at hand: for owner, commit, and what became of a bubble.

-- A reply to no turn of theirs waits in their outbox. The next sweep rings, or whoever holds them sees for himself.
local function post(conversation, reply)
  local now = redis.call('HGET', 'recado:alias', conversation)
  if now and string.sub(now, 1, #conversation + 1) ~= conversation .. '~' then conversation = now end  -- that is a stranger
  redis.call('RPUSH', key(conversation, 'out'), reply)
  redis.call('PERSIST', key(conversation, 'state'))
  redis.call('PERSIST', key(conversation, 'turn'))
  if redis.call('EXISTS', key(conversation, 'lease')) == 0 then
    redis.call('ZADD', 'recado:due', 'LT', milliseconds(), conversation)
  end
  return conversation
end

-- The owner's words to a person, said in this turn: whoever said them is told what became of them. They are told that
-- they came only where they had to wait.
local function report(state, turn, kind)
  local fate = redis.call('HGET', state, 'relay:' .. turn)
  fate = fate and cjson.decode(fate)
  if not fate or not fate[kind] or (kind == 'sent' and not fate.waited) then return end
  post(fate.to, fate[kind])
  fate[kind], fate.waited = nil, kind == 'parked' or nil
  redis.call('HSET', state, 'relay:' .. turn, cjson.encode(fate))
end
