// One unary grpc-web call with nothing but fetch.
//
//     node call.mjs URL TOKEN REQUEST_HEX   →  {"http", "status", "message", "reply"}   (reply in hex)
//
// Wire format: frames of one flag byte, four bytes of length, then the content; flag 0x80 marks the trailers.

const [url, token, request] = process.argv.slice(2);

function framed(message) {
  const frame = Buffer.alloc(5 + message.length);
  frame.writeUInt32BE(message.length, 1);
  message.copy(frame, 5);
  return frame;
}

function* frames(body) {
  for (let at = 0; at < body.length; ) {
    const length = body.readUInt32BE(at + 1);
    yield [body[at], body.subarray(at + 5, at + 5 + length)];
    at += 5 + length;
  }
}

function trailersOf(text) {
  const lines = text.split("\r\n").filter(Boolean);
  return Object.fromEntries(lines.map((line) => [line.split(":")[0].toLowerCase(), line.slice(line.indexOf(":") + 1).trim()]));
}

const headers = {"content-type": "application/grpc-web+proto", "x-grpc-web": "1", origin: "http://localhost:3000"};
if (token) headers.authorization = `Bearer ${token}`;
const answer = await fetch(url, {method: "POST", headers, body: framed(Buffer.from(request, "hex"))});
let trailers = Object.fromEntries(answer.headers);
let reply = "";
for (const [flag, content] of frames(Buffer.from(await answer.arrayBuffer()))) {
  if (flag & 0x80) trailers = {...trailers, ...trailersOf(content.toString())};
  else reply = content.toString("hex");
}
const {"grpc-status": status, "grpc-message": message = ""} = trailers;
console.log(JSON.stringify({http: answer.status, status: Number(status), message: decodeURIComponent(message), reply}));
