-- The meter: what a platform tells of each bubble counts once, in whatever order it tells it, and however often.
-- What is noted of one: how far the bubble came (0 to 3: sent, delivered, read), whether it failed, and its bill: when it was first
-- mentioned, in which month that is, and for what. Only the earliest mention counts; what failed on the way costs nothing.
local STAGES = {'sent', 'delivered', 'read'}
local RECORD_MS, BILL_MS = 3024000000, 34560000000  -- 35 and 400 days

local function billed(rank, failed, month, what)
  if what == '' or (failed == '1' and tonumber(rank) < 2) then return '' end
  return month .. '|' .. what
end

local function count(bills, bill, by)
  local month, what = string.match(bill, '^([^|]+)|(.+)$')
  if not month then return end
  redis.call('HINCRBY', bills .. month, what, by)
  redis.call('PEXPIRE', bills .. month, BILL_MS)
end

-- Returns how far the bubble came. totals: HASH of what became of this account's bubbles; bills: how the keys of its months begin.
local function meter(record, totals, bills, told_rank, told_failed, told_at, told_month, told_what)
  local known = redis.call('GET', record) or '0|0|0||'
  local rank, failed, at, month, what = string.match(known, '^(%d)|(%d)|([^|]*)|([^|]*)|(.*)$')
  local before = billed(rank, failed, month, what)
  for stage = rank + 1, tonumber(told_rank) do redis.call('HINCRBY', totals, STAGES[stage], 1) end
  if told_failed == '1' and failed == '0' then redis.call('HINCRBY', totals, 'failed', 1) end
  rank, failed = math.max(rank, told_rank), told_failed == '1' and '1' or failed
  local sooner, same = tonumber(told_at) < tonumber(at), tonumber(told_at) == tonumber(at)
  if told_what ~= '' and (what == '' or sooner or (same and told_what < what)) then
    at, month, what = told_at, told_month, told_what
  end
  local now = billed(rank, failed, month, what)
  if now ~= before then
    count(bills, before, -1)
    count(bills, now, 1)
  end
  redis.call('SET', record, table.concat({rank, failed, at, month, what}, '|'), 'PX', RECORD_MS)
  return rank
end
