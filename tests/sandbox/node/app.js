// A small app on Slack's official Node clients; only the API's address differs from an app for real Slack.
const { App } = require("@slack/bolt");

const [base, mode, port] = process.argv.slice(2);
const transport =
  mode === "http"
    ? { signingSecret: "sandbox-signing-secret" }
    : { socketMode: true, appToken: "xapp-sandbox-app-token" };
const app = new App({ token: "xoxb-sandbox-bot-token", clientOptions: { slackApiUrl: `${base}/api/` }, ...transport });
const text = (words) => ({ type: "plain_text", text: words });

app.command("/deploy", async ({ ack, body, client }) => {
  await ack();
  const element = { type: "plain_text_input", action_id: "text" };
  const blocks = [{ type: "input", block_id: "version", label: text("Version"), element }];
  const view = { type: "modal", callback_id: "start", title: text("Start"), submit: text("Go"), blocks };
  await client.views.open({ trigger_id: body.trigger_id, view });
});

app.view("start", async ({ ack, view, client }) => {
  const version = view.state.values.version.text.value;
  if (version === "latest") {
    await ack({ response_action: "errors", errors: { version: "Name one version." } });
    return;
  }
  await ack();
  const accessory = { type: "button", action_id: "press", value: version, text: text("Press") };
  const blocks = [{ type: "section", block_id: "row", text: text("Starting"), accessory }];
  const posted = await client.chat.postMessage({ channel: "C0CHECKOUT", text: `starting ${version}`, blocks });
  const log = { filename: "deploy.log", content: "all well\n", title: "Log" };
  await client.files.uploadV2({ channel_id: "C0CHECKOUT", thread_ts: posted.ts, ...log });
});

app.action("press", async ({ ack, body, client, respond }) => {
  await ack();
  await client.chat.update({ channel: body.channel.id, ts: body.message.ts, text: `pressed by ${body.user.id}` });
  await respond({ text: "thanks", replace_original: false });
});

app.event("app_home_opened", async ({ event, client }) => {
  await client.views.publish({ user_id: event.user, view: { type: "home", blocks: [{ type: "divider" }] } });
});

app.event("app_mention", async ({ event, say }) => {
  await say({ text: `you said ${event.text}`, thread_ts: event.ts });
});

app.start(mode === "http" ? { port: Number(port), host: "127.0.0.1" } : undefined).then(() => console.log("up"));
