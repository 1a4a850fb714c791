-- approve: a stranger is let in from the command line.   ARGV who, code, conversation, note
-- Returns 1 when they are admitted, 0 when the code is theirs no more.
return admit(ARGV[1], ARGV[2], ARGV[3], ARGV[4])
