// What does @slack/web-api, used by itself, get from the sandbox? Prints one JSON object.
const { WebClient } = require("@slack/web-api");

const [base] = process.argv.slice(2);
const web = new WebClient("xoxb-sandbox-bot-token", { slackApiUrl: `${base}/api/` });
const channel = "C0CHECKOUT";
const refusal = async (call) => call.then(() => null, ({ data }) => data);

async function main() {
  const told = { team: (await web.auth.test()).team };
  const blocks = [{ type: "section", text: { type: "mrkdwn", text: "*one*" } }];
  const root = await web.chat.postMessage({ channel, text: "root", blocks, metadata: { event_type: "t", event_payload: { key: 1 } }, unfurl_links: false });
  for (let n = 0; n < 5; n++) await web.chat.postMessage({ channel, thread_ts: root.ts, text: `reply ${n}` });
  await web.chat.update({ channel, ts: root.ts, text: "changed", blocks: [] });
  told.replies = [];
  for await (const page of web.paginate("conversations.replies", { channel, ts: root.ts, limit: 2 })) told.replies.push(page.messages.map((m) => m.text));
  const history = await web.conversations.history({ channel, include_all_metadata: true });
  told.metadata = history.messages[0].metadata;
  await web.files.uploadV2({ channel_id: channel, thread_ts: root.ts, file_uploads: [{ filename: "a.log", content: "a\n" }, { file: Buffer.from("b\n"), filename: "b.log" }] });
  const direct = await web.conversations.open({ users: "U0ANA" });
  await web.chat.postMessage({ channel: direct.channel.id, text: "to you" });
  await web.chat.postEphemeral({ channel, user: "U0MARA", text: "for you" });
  await web.reactions.add({ channel, timestamp: root.ts, name: "eyes" });
  await web.pins.add({ channel, timestamp: root.ts });
  told.home = (await web.views.publish({ user_id: "U0ANA", view: { type: "home", blocks } })).view.type;
  told.unknown = (await refusal(web.chat.postMessage({ channel: "C0NOWHERE", text: "x" }))).error;
  const bad = await refusal(web.chat.postMessage({ channel, text: "x", blocks: [{ type: "header", text: { type: "mrkdwn", text: "x" } }] }));
  told.blocks = [bad.error, bad.response_metadata.messages];
  told.token = (await refusal(new WebClient("xoxb-other", { slackApiUrl: `${base}/api/` }).auth.test())).error;
  // The client waits as long as Retry-After says, and calls again by itself.
  await fetch(`${base}/control/faults`, { method: "POST", body: JSON.stringify({ rules: [{ fault: "rate_limited", method: "auth.test", seconds: 1, times: 1 }] }) });
  const started = performance.now();
  await web.auth.test();
  told.waited = performance.now() - started >= 900;
  console.log(JSON.stringify(told));
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
