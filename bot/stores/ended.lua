-- ended: a wake-up has done its work, and leaves nothing on RQ's books but one more in its worker's count.
-- KEYS job execution executions wip worker_executions worker   ARGV job id, execution id
local job, execution, executions, wip, own, worker = unpack(KEYS)
local run = ARGV[1] .. ':' .. ARGV[2]
redis.call('DEL', execution, executions)
redis.call('ZREM', wip, run)
redis.call('SREM', own, run)
if redis.call('DEL', job) == 1 then redis.call('HINCRBY', worker, 'successful_job_count', 1) end
