-- renew: all turns of one worker keep their leases and their places before the model servers.
-- KEYS due   ARGV lease_ms, then per turn: conversation, token, the keys of its places joined by blanks
-- Returns {the tokens that hold nothing any more, {token, turn, revision, stopped 1 | 0, ...} of those whose batch was put
-- right or that is to end}.
local lost, marked = {}, {}
local now = milliseconds()

-- What whoever thinks this turn must know: it was stopped, or its question reads differently by now.
local function mark(conversation, token)
  local revision, ended = redis.call('HGET', key(conversation, 'state'), 'revision'), stopped(conversation)
  if not revision and not ended or redis.call('EXISTS', key(conversation, 'wip')) == 0 then return end
  for _, part in ipairs({token, redis.call('GET', key(conversation, 'turn')), revision or '', ended and 1 or 0}) do
    marked[#marked + 1] = part
  end
end

for i = 2, #ARGV, 3 do
  local conversation = ARGV[i]
  local lease = key(conversation, 'lease')
  local holder = redis.call('GET', lease)
  -- A lease that ran out (Redis was away) and that nobody took is still ours, as long as its turn is.
  local thinker, seated = not holder and redis.call('HGET', key(conversation, 'state'), 'thinker'), 'XX'
  if thinker == ARGV[i + 1] and redis.call('EXISTS', key(conversation, 'wip')) == 1 then
    redis.call('SET', lease, thinker, 'PX', ARGV[1])
    holder, seated = thinker, 'CH'  -- its place ran out with it, and it is still being served there
  end
  if holder == ARGV[i + 1] then
    redis.call('PEXPIRE', lease, ARGV[1])
    redis.call('ZADD', KEYS[1], 'XX', now + ARGV[1], conversation)
    for place in string.gmatch(ARGV[i + 2], '%S+') do
      redis.call('ZADD', place, seated, now + ARGV[1], conversation)
      redis.call('PEXPIRE', place, ARGV[1])
    end
    mark(conversation, ARGV[i + 1])
  else
    lost[#lost + 1] = ARGV[i + 1]
    -- Who has just let go is not renewed either; only a lease that is another's was lost.
    if holder then redis.call('HINCRBY', 'recado:counts', 'lost_leases', 1) end
  end
end
return {lost, marked}
