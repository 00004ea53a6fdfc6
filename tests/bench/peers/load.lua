-- For wrk: posts the requests of a file, one a line, in turn, each built before anything is measured. Ends with a line of JSON.
--	wrk -t1 -cN -dSECONDSs -s load.lua URL -- FILE
local requests, place = {}, 0

function init(arguments)
	for body in io.lines(arguments[1]) do
		requests[#requests + 1] = wrk.format("POST", nil, {["content-type"] = "application/json"}, body)
	end
end

function request()
	place = place % #requests + 1
	return requests[place]
end

function done(summary, latency)
	local errors = summary.errors
	io.write(string.format('{"answered": %d, "seconds": %.6f, "p50Us": %.1f, "p99Us": %.1f, "bytes": %d, "failed": %d}\n',
		summary.requests, summary.duration / 1e6, latency:percentile(50), latency:percentile(99), summary.bytes,
		errors.connect + errors.read + errors.write + errors.status + errors.timeout))
end
