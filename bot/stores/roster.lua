-- roster: who answers.   KEYS RQ's workers   ARGV how their keys begin there, how their cards' do
-- Returns name, card or '', name, ... One that was killed is on RQ's list for a while yet, but its key is gone.
local found = {}
for _, worker in ipairs(redis.call('SMEMBERS', KEYS[1])) do
  if redis.call('EXISTS', worker) == 1 then
    local name = string.sub(worker, #ARGV[1] + 1)
    found[#found + 1], found[#found + 2] = name, redis.call('GET', ARGV[2] .. name) or ''
  end
end
return found
