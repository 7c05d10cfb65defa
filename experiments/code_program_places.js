// Loaded by Node before npm: writes each message that npm logs, as its debug logs have it, with the place of the call.
"use strict";
const fs = require("fs");
const util = require("util");
const file = process.env.NPM_PLACES;
const own = /node:|proc-log|signal-exit|code_program_places/;
Error.stackTraceLimit = 30;
let count = 0;
if (file) {
  process.on("log", (level, ...said) => {
    const frames = new Error().stack.split("\n").slice(1).map((one) => one.match(/\(?((?:file:\/\/)?\/[^():]+):(\d+):\d+\)?$/));
    const place = frames.find((one) => one && !own.test(one[1]));
    if (!place || typeof said[0] !== "string") return;
    const text = said.length > 1 ? `${said[0]} ${util.format(...said.slice(1))}` : said[0];
    fs.appendFileSync(file, `${count++} ${level} ${text.split("\n")[0]} @ ${place[1]}:${place[2]}\n`);
  });
}
