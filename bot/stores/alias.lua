-- alias: a conversation goes on under another name. What was said and waits stays where it is, under the oldest name.
-- KEYS alias   ARGV old, new
-- A second run finds the name known, and so does the other half of a move that is told twice.
local aliases, old, new = KEYS[1], ARGV[1], ARGV[2]
local first = redis.call('HGET', aliases, old) or old
if first ~= new then redis.call('HSETNX', aliases, new, first) end
