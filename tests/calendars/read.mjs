// Reads a calendar from stdin and prints what ical.js finds in it, as JSON. It knows no zones but those that the calendar defines.
// The argument is the folder of node_modules.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

const ICAL = createRequire(join(process.argv[2], "node_modules", "-"))("ical.js");
const calendar = new ICAL.Component(ICAL.parse(readFileSync(0, "utf8")));
for (const zone of calendar.getAllSubcomponents("vtimezone")) {
  ICAL.TimezoneService.register(zone);
}

const instant = (time) => new Date(time.toUnixTime() * 1000).toISOString().replace(".000", "");
const events = calendar.getAllSubcomponents("vevent").map((component) => {
  const event = new ICAL.Event(component);
  return {
    uid: event.uid,
    sequence: event.sequence,
    status: component.getFirstPropertyValue("status"),
    start: instant(event.startDate),
    end: instant(event.endDate),
  };
});
const order = (event) => `${event.start} ${event.uid}`;
events.sort((one, other) => (order(one) < order(other) ? -1 : 1));
console.log(JSON.stringify({ "ical.js": events }));
