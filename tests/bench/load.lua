-- Sends each request of a file once (`wrk -s load.lua URL -- FILE`), and says as JSON what came of it.
-- The file: for each request the number of its bytes in eight digits, then the bytes.

local thread

function setup(one)
  assert(not thread, "one thread reads one file: say --threads 1")
  thread = one
end

function init(words)
  file = assert(io.open(words[1], "rb"))
  exhausted = false
end

function request()
  local size = file:read(8)
  if size then
    last = file:read(tonumber(size))
  else
    exhausted = true
  end
  return last
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '\n{"requests": %d, "microseconds": %d, "p50": %d, "p99": %d, "refused": %d, "broken": %d, "exhausted": %s}\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99), errors.status,
    errors.connect + errors.read + errors.write + errors.timeout, tostring(thread:get("exhausted"))
  ))
end
