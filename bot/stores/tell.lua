-- tell: the model has been asked and says nothing for long: the notice is told, once in this turn.
-- KEYS lease out state   ARGV token, notice
-- Returns 1 when it waits in the outbox now, to be said by the holder; 0 when the turn is over, or another's.
local lease, out, state = unpack(KEYS)
if redis.call('GET', lease) ~= ARGV[1] or redis.call('HGET', state, 'thinker') ~= ARGV[1] then return 0 end
if redis.call('HSETNX', state, 'told', '1') == 0 then return 0 end
redis.call('RPUSH', out, ARGV[2])
return 1
