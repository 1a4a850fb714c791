-- started: a wake-up has left the line, and RQ's books say who runs it.
-- KEYS job intermediate execution executions wip worker_executions
-- ARGV job id, execution id, worker, now (s), now as RQ writes it, seconds that the entry lives unless it is renewed
-- Returns what is to be called, as the job has it; '' when the job is gone.
local job, intermediate, execution, executions, wip, own = unpack(KEYS)
local id, run, worker, now, at, ttl = unpack(ARGV)
redis.call('LREM', intermediate, 1, id)
if redis.call('EXISTS', job) == 0 then return '' end
redis.call('HSET', job, 'status', 'started', 'started_at', at, 'last_heartbeat', at, 'worker_name', worker)
redis.call('HSET', execution, 'id', run, 'job_id', id, 'created_at', now, 'last_heartbeat', now, 'worker_name', worker)
redis.call('EXPIRE', execution, ttl)
redis.call('ZADD', executions, math.floor(now) + ttl + 60, run)
redis.call('EXPIRE', executions, ttl + 60)
redis.call('ZADD', wip, math.floor(now) + ttl, id .. ':' .. run)
redis.call('SADD', own, id .. ':' .. run)
redis.call('EXPIRE', own, ttl + 60)
return redis.call('HGET', job, 'data') or ''
