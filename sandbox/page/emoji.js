// Which picture does an emoji short code stand for?

const TABLE = `
+1 👍|thumbsup 👍|-1 👎|thumbsdown 👎|ok_hand 👌|clap 👏|raised_hands 🙌|pray 🙏|wave 👋|muscle 💪|point_right 👉|point_left 👈|point_up 👆|point_down 👇|raised_hand ✋|handshake 🤝|v ✌️|crossed_fingers 🤞
smile 😄|smiley 😃|grinning 😀|slightly_smiling_face 🙂|wink 😉|blush 😊|joy 😂|laughing 😆|heart_eyes 😍|thinking_face 🤔|neutral_face 😐|sweat_smile 😅|sob 😭|cry 😢|scream 😱|sunglasses 😎|face_with_rolling_eyes 🙄|sleeping 😴|rage 😡|exploding_head 🤯|saluting_face 🫡|shrug 🤷|facepalm 🤦|robot_face 🤖|ghost 👻|skull 💀
heart ❤️|green_heart 💚|blue_heart 💙|yellow_heart 💛|purple_heart 💜|broken_heart 💔|fire 🔥|sparkles ✨|star ⭐|star2 🌟|boom 💥|zap ⚡|tada 🎉|confetti_ball 🎊|balloon 🎈|gift 🎁|trophy 🏆|medal 🏅|100 💯|eyes 👀|brain 🧠
white_check_mark ✅|heavy_check_mark ✔️|ballot_box_with_check ☑️|x ❌|negative_squared_cross_mark ❎|warning ⚠️|exclamation ❗|heavy_exclamation_mark ❗|question ❓|grey_question ❔|grey_exclamation ❕|no_entry ⛔|no_entry_sign 🚫|stop_sign 🛑|octagonal_sign 🛑|construction 🚧|rotating_light 🚨|sos 🆘|information_source ℹ️|bangbang ‼️
red_circle 🔴|large_green_circle 🟢|large_yellow_circle 🟡|large_orange_circle 🟠|large_blue_circle 🔵|large_purple_circle 🟣|white_circle ⚪|black_circle ⚫|large_red_square 🟥|large_green_square 🟩|large_yellow_square 🟨|large_blue_square 🟦|white_large_square ⬜|black_large_square ⬛|white_medium_square ◻️|small_blue_diamond 🔹|small_orange_diamond 🔸|radio_button 🔘
hourglass ⌛|hourglass_flowing_sand ⏳|stopwatch ⏱️|timer_clock ⏲️|alarm_clock ⏰|watch ⌚|clock1 🕐|clock3 🕒|calendar 📆|date 📅|spiral_calendar_pad 🗓️
rocket 🚀|airplane ✈️|ship 🚢|car 🚗|ambulance 🚑|fire_engine 🚒|checkered_flag 🏁|triangular_flag_on_post 🚩|satellite 🛰️|package 📦
arrow_right ➡️|arrow_left ⬅️|arrow_up ⬆️|arrow_down ⬇️|arrow_forward ▶️|arrow_backward ◀️|fast_forward ⏩|rewind ⏪|next_track_button ⏭️|black_right_pointing_double_triangle_with_vertical_bar ⏭️|double_vertical_bar ⏸️|pause_button ⏸️|black_square_for_stop ⏹️|stop_button ⏹️|arrows_counterclockwise 🔄|arrows_clockwise 🔃|leftwards_arrow_with_hook ↩️|repeat 🔁|twisted_rightwards_arrows 🔀
chart_with_upwards_trend 📈|chart_with_downwards_trend 📉|bar_chart 📊|clipboard 📋|memo 📝|pencil 📝|pencil2 ✏️|page_facing_up 📄|scroll 📜|book 📖|books 📚|bookmark 🔖|label 🏷️|paperclip 📎|link 🔗|pushpin 📌|round_pushpin 📍|scissors ✂️|mag 🔍|mag_right 🔎|bulb 💡|wrench 🔧|hammer 🔨|hammer_and_wrench 🛠️|gear ⚙️|nut_and_bolt 🔩|test_tube 🧪|microscope 🔬|shield 🛡️|lock 🔒|unlock 🔓|closed_lock_with_key 🔐|key 🔑|old_key 🗝️|bell 🔔|no_bell 🔕|loudspeaker 📢|mega 📣|speech_balloon 💬|thought_balloon 💭|email 📧|envelope ✉️|inbox_tray 📥|outbox_tray 📤|mailbox 📫|phone 📞|telephone_receiver 📞|pager 📟|computer 💻|desktop_computer 🖥️|keyboard ⌨️|floppy_disk 💾|file_folder 📁|open_file_folder 📂|card_index_dividers 🗂️|wastebasket 🗑️|battery 🔋|electric_plug 🔌|globe_with_meridians 🌐|earth_africa 🌍|cloud ☁️|snowflake ❄️|sunny ☀️|rainbow 🌈|ocean 🌊|moneybag 💰|credit_card 💳|shopping_trolley 🛒|busts_in_silhouette 👥|bust_in_silhouette 👤|ladybug 🐞|bug 🐛|dog 🐶|cat 🐱|snail 🐌|turtle 🐢|unicorn_face 🦄|coffee ☕|pizza 🍕|beer 🍺|beers 🍻|cake 🍰|recycle ♻️|heavy_plus_sign ➕|heavy_minus_sign ➖|new 🆕|ok 🆗|up 🆙|cool 🆒|zero 0️⃣|one 1️⃣|two 2️⃣|three 3️⃣|four 4️⃣|five 5️⃣|six 6️⃣|seven 7️⃣|eight 8️⃣|nine 9️⃣|keycap_ten 🔟|a 🅰️|b 🅱️
`;

export const EMOJI = new Map(TABLE.trim().split(/[|\n]/).map((pair) => pair.split(" ")));
const TONES = ["", "", "🏻", "🏼", "🏽", "🏾", "🏿"];

/** The picture for `rocket` or `wave::skin-tone-3`; null when nobody knows it. */
export function emoji(name) {
  const [base, tone] = name.split("::skin-tone-");
  const picture = EMOJI.get(base);
  return picture ? (tone ? picture.replace("️", "") + (TONES[Number(tone)] ?? "") : picture) : null;
}

const QUICK = ["white_check_mark", "eyes", "rocket", "tada", "+1", "heart", "pray", "fire"];

/** All of them as choices of a menu, the ones that people reach for first. */
export function emojiChoices(label) {
  return [...new Set([...QUICK, ...EMOJI.keys()])].map((name) => ({ value: name, text: name.replaceAll("_", " "), name: `:${name}:`, label: label(EMOJI.get(name)) }));
}

export const SHORT_CODE = /^:([a-z0-9_+'-]+(?:::skin-tone-[2-6])?):/;
