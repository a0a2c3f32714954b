-- Fair release of waiting runs: one atomic step for every change (see workflows/dispatch.py).
--
-- KEYS[1] is the prefix. Beneath it:
--   waiting:<tenant>  list of jobs in the order they came
--   queued            set of "<tenant> <job>" that wait
--   active            sorted set of tenants with waiting jobs and a free token, by virtual start time
--   finish            hash of each tenant's virtual finish time
--   clock             the virtual time: the start of what was released last
--   held              sorted set of released "<lane> <tenant> <job>" by the time their lease ends
--   running           hash of released jobs per tenant
--   lane:<lane>       set of the released in a lane
--   weight            hash of tenants whose weight is not 1
--   share             hash of tenants whose plan says how many tokens they have
-- ARGV: verb (submit, resubmit, finish, purge), tenant, job, tokens per tenant, lease in seconds, runs a tenant may have in the
-- express lane, then name and window of the express and of the bulk lane, then the tokens that this
-- tenant has: a number, 'default', or '' for as many as before.
-- Returns what was released: "<lane> <tenant> <job>" each.
local prefix, verb = KEYS[1], ARGV[1]
local tenant, job = ARGV[2], ARGV[3]
local share, lease, express_share = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
local express, express_window = ARGV[7], tonumber(ARGV[8])
local bulk, bulk_window = ARGV[9], tonumber(ARGV[10])
local time = redis.call('TIME')
local now = tonumber(time[1]) + tonumber(time[2]) / 1000000
local key = function(name) return prefix .. name end
local released = {}

local function room(lane, window)
  return redis.call('SCARD', key('lane:' .. lane)) < window
end

local function hold(lane, owner, what)
  local member = lane .. ' ' .. owner .. ' ' .. what
  redis.call('ZADD', key('held'), now + lease, member)
  redis.call('SADD', key('lane:' .. lane), member)
  redis.call('HINCRBY', key('running'), owner, 1)
  table.insert(released, member)
end

local function activate(owner)
  if redis.call('LLEN', key('waiting:' .. owner)) == 0 then return end
  local finish = tonumber(redis.call('HGET', key('finish'), owner) or '0')
  local clock = tonumber(redis.call('GET', key('clock')) or '0')
  redis.call('ZADD', key('active'), 'NX', math.max(finish, clock), owner)
end

local function give_back(member)
  if redis.call('ZREM', key('held'), member) == 0 then return end
  local lane, owner = string.match(member, '^(%S+) (%S+)')
  redis.call('SREM', key('lane:' .. lane), member)
  if redis.call('HINCRBY', key('running'), owner, -1) <= 0 then redis.call('HDEL', key('running'), owner) end
  activate(owner)
end

local function held_member(owner, what)
  for _, lane in ipairs({express, bulk}) do
    local member = lane .. ' ' .. owner .. ' ' .. what
    if redis.call('ZSCORE', key('held'), member) then return member end
  end
end

local function count(owner)
  return tonumber(redis.call('HGET', key('running'), owner) or '0')
end

local function share_of(owner)
  return tonumber(redis.call('HGET', key('share'), owner) or share)
end

local function release_next(owner, start)
  local what = redis.call('LPOP', key('waiting:' .. owner))
  redis.call('ZREM', key('active'), owner)
  redis.call('SREM', key('queued'), owner .. ' ' .. what)
  redis.call('SET', key('clock'), start)
  local weight = tonumber(redis.call('HGET', key('weight'), owner) or '1')
  redis.call('HSET', key('finish'), owner, start + 1 / weight)
  hold(bulk, owner, what)
  -- A tenant at its share leaves the contest until one of its runs is over.
  if count(owner) < share_of(owner) then activate(owner) end
end

-- Take a job out of a tenant's queue, or with 'every' all of them.
local function purge(owner, what)
  local waiting = key('waiting:' .. owner)
  if what == 'every' then
    for _, other in ipairs(redis.call('LRANGE', waiting, 0, -1)) do
      redis.call('SREM', key('queued'), owner .. ' ' .. other)
    end
    redis.call('DEL', waiting)
  elseif redis.call('SREM', key('queued'), owner .. ' ' .. what) == 1 then
    redis.call('LREM', waiting, 1, what)
  end
  if redis.call('LLEN', waiting) == 0 then redis.call('ZREM', key('active'), owner) end
end

local function pump()
  while room(bulk, bulk_window) do
    local head = redis.call('ZRANGE', key('active'), 0, 0, 'WITHSCORES')
    if #head == 0 then return end
    if count(head[1]) >= share_of(head[1]) then
      redis.call('ZREM', key('active'), head[1])
    else
      release_next(head[1], tonumber(head[2]))
    end
  end
end

if ARGV[11] == 'default' then
  redis.call('HDEL', key('share'), tenant)
elseif ARGV[11] ~= '' then
  redis.call('HSET', key('share'), tenant, ARGV[11])
end

for _, member in ipairs(redis.call('ZRANGEBYSCORE', key('held'), '-inf', now)) do give_back(member) end

if verb == 'submit' or verb == 'resubmit' then
  local member = held_member(tenant, job)
  if member then
    if verb == 'resubmit' then
      redis.call('ZADD', key('held'), now + lease, member)
      table.insert(released, member)
    end
  elseif redis.call('SISMEMBER', key('queued'), tenant .. ' ' .. job) == 0 then
    local is_alone = redis.call('LLEN', key('waiting:' .. tenant)) == 0 and count(tenant) < math.min(express_share, share_of(tenant))
    if is_alone and room(express, express_window) then
      hold(express, tenant, job)
    else
      redis.call('RPUSH', key('waiting:' .. tenant), job)
      redis.call('SADD', key('queued'), tenant .. ' ' .. job)
      activate(tenant)
    end
  end
elseif verb == 'finish' then
  local member = held_member(tenant, job)
  if member then give_back(member) end
elseif verb == 'purge' then
  purge(tenant, job)
end
pump()
if redis.call('ZCARD', key('active')) == 0 and redis.call('ZCARD', key('held')) == 0 then
  redis.call('DEL', key('finish'), key('clock'))
end
return released
