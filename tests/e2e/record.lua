-- A module for Prosody: finds the other servers without DNS, and records what crosses its streams.
--
--   e2e_routes = { ["montague.example"] = { "127.0.8.3", 5269 } }
--   e2e_record = "/path/to/a/file"
module:set_global();

local routes = module:get_option("e2e_routes", {});
local record = module:get_option_string("e2e_record");

-- Debian's Prosody has no module for fixed addresses: the resolver of services is replaced.
local service = require "net.resolvers.service";
local manual = require "net.resolvers.manual";
local resolve = service.new;
service.new = function (name, kind, protocol, extra)
	local route = routes[name];
	if not route or kind ~= "xmpp-server" then
		return manual.new({}, protocol, extra);
	end
	return manual.new({ { "tcp4", route[1], route[2], extra } }, protocol, extra);
end

local filters = require "util.filters";
local file = record and assert(io.open(record, "a"));
local function keep(data)
	if file and data then
		file:write(data, "\n");
		file:flush();
	end
	return data;
end
local function listen(session)
	-- After the frames of WebSockets were opened.
	filters.add_filter(session, "bytes/in", keep, -1000);
	filters.add_filter(session, "bytes/out", keep, 1000);
end
filters.add_filter_hook(listen);

function module.unload()
	service.new = resolve;
	filters.remove_filter_hook(listen);
end
