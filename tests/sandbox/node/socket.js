// What does @slack/socket-mode, used by itself, hear from the sandbox? Prints one JSON object a line.
const { SocketModeClient } = require("@slack/socket-mode");

const [base] = process.argv.slice(2);
const socket = new SocketModeClient({ appToken: "xapp-sandbox-app-token", clientOptions: { slackApiUrl: `${base}/api/` } });
const say = (line) => console.log(JSON.stringify(line));

socket.on("connected", () => say({ heard: "connected" }));
socket.on("slash_commands", async ({ ack, body }) => {
  say({ heard: body.command, text: body.text });
  await ack({ text: `heard ${body.text}` });
});
socket.on("app_mention", async ({ ack, event, retry_num }) => {
  await ack();
  say({ heard: "app_mention", text: event.text, retry: retry_num });
});
socket.on("interactive", async ({ ack, body }) => {
  await ack();
  say({ heard: body.type });
});
socket.start();
