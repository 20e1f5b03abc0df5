/** The emoji of the picker by group, each with the words it is found by (the names of the Unicode standard). */

/** Groups in their order; entries are separated by `|`, an emoji from its words by a space. */
export const EMOJI: Readonly<Record<string, string>> = {
  smileys:
    "😀 grinning face|😁 grinning face with smiling eyes|😂 face with tears of joy|" +
    "😃 smiling face with open mouth|😄 smiling face with open mouth and smiling eyes|" +
    "😅 smiling face with open mouth and cold sweat|" +
    "😆 smiling face with open mouth and tightly-closed eyes|😇 smiling face with halo|" +
    "😈 smiling face with horns|😉 winking face|😊 smiling face with smiling eyes|" +
    "😋 face savouring delicious food|😌 relieved face|😍 smiling face with heart-shaped eyes|" +
    "😎 smiling face with sunglasses|😏 smirking face|😐 neutral face|😑 expressionless face|" +
    "😒 unamused face|😓 face with cold sweat|😔 pensive face|😕 confused face|😖 confounded face|" +
    "😗 kissing face|😘 face throwing a kiss|😙 kissing face with smiling eyes|" +
    "😚 kissing face with closed eyes|😛 face with stuck-out tongue|" +
    "😜 face with stuck-out tongue and winking eye|😝 face with stuck-out tongue and tightly-closed eyes|" +
    "😞 disappointed face|😟 worried face|😠 angry face|😡 pouting face|😢 crying face|" +
    "😣 persevering face|😤 face with look of triumph|😥 disappointed but relieved face|" +
    "😦 frowning face with open mouth|😧 anguished face|😨 fearful face|😩 weary face|😪 sleepy face|" +
    "😫 tired face|😬 grimacing face|😭 loudly crying face|😮 face with open mouth|😯 hushed face|" +
    "😰 face with open mouth and cold sweat|😱 face screaming in fear|😲 astonished face|😳 flushed face|" +
    "😴 sleeping face|😵 dizzy face|😶 face without mouth|😷 face with medical mask|" +
    "😸 grinning cat face with smiling eyes|😹 cat face with tears of joy|" +
    "😺 smiling cat face with open mouth|😻 smiling cat face with heart-shaped eyes|" +
    "😼 cat face with wry smile|😽 kissing cat face with closed eyes|😾 pouting cat face|" +
    "😿 crying cat face|🙀 weary cat face|🙁 slightly frowning face|🙂 slightly smiling face|" +
    "🙃 upside-down face|🙄 face with rolling eyes|🙅 face with no good gesture|🙆 face with ok gesture|" +
    "🙇 person bowing deeply|🙈 see-no-evil monkey|🙉 hear-no-evil monkey|🙊 speak-no-evil monkey|" +
    "🙋 happy person raising one hand|🙌 person raising both hands in celebration|🙍 person frowning|" +
    "🙎 person with pouting face|🙏 person with folded hands|🤐 zipper-mouth face|🤑 money-mouth face|" +
    "🤒 face with thermometer|🤓 nerd face|🤔 thinking face|🤕 face with head-bandage|🤖 robot face|" +
    "🤗 hugging face|🤠 face with cowboy hat|🤡 clown face|🤢 nauseated face|" +
    "🤣 rolling on the floor laughing|🤤 drooling face|🤥 lying face|🤧 sneezing face|" +
    "🤨 face with one eyebrow raised|🤩 grinning face with star eyes|" +
    "🤪 grinning face with one large and one small eye|🤫 face with finger covering closed lips|" +
    "🤬 serious face with symbols covering mouth|" +
    "🤭 smiling face with smiling eyes and hand covering mouth|🤮 face with open mouth vomiting|" +
    "🤯 shocked face with exploding head|🥰 smiling face with smiling eyes and three hearts|" +
    "🥱 yawning face|🥲 smiling face with tear|🥳 face with party horn and party hat|" +
    "🥴 face with uneven eyes and wavy mouth|🥵 overheated face|🥶 freezing face|🥸 disguised face|" +
    "🥹 face holding back tears|🥺 face with pleading eyes|🧐 face with monocle|🫠 melting face|" +
    "🫡 saluting face|🫢 face with open eyes and hand over mouth|🫣 face with peeking eye|" +
    "🫤 face with diagonal mouth|🫥 dotted line face|🫦 biting lip|🫧 bubbles|👻 ghost|" +
    "👽 extraterrestrial alien|👾 alien monster|👿 imp|💀 skull|💩 pile of poo|🎃 jack-o-lantern",
  people:
    "👋 waving hand sign|👌 ok hand sign|👍 thumbs up sign|👎 thumbs down sign|👏 clapping hands sign|" +
    "👐 open hands sign|🖐️ raised hand with fingers splayed|🤘 sign of the horns|🤙 call me hand|" +
    "🤚 raised back of hand|🤛 left-facing fist|🤜 right-facing fist|🤝 handshake|" +
    "🤞 hand with index and middle fingers crossed|🤟 i love you hand sign|👀 eyes|👁️ eye|👂 ear|👃 nose|" +
    "👄 mouth|👅 tongue|👆 white up pointing backhand index|👇 white down pointing backhand index|" +
    "👈 white left pointing backhand index|👉 white right pointing backhand index|👊 fisted hand sign|" +
    "💪 flexed biceps|💁 information desk person|🤦 face palm|🤷 shrug|👦 boy|👧 girl|👨 man|👩 woman|" +
    "👴 older man|👵 older woman|👶 baby|🎅 father christmas|👸 princess|🤴 prince|👰 bride with veil|" +
    "🤰 pregnant woman|💃 dancer|🕺 man dancing|🏃 runner|🚶 pedestrian|🧑 adult|🧒 child|🧓 older adult|" +
    "🫰 hand with index finger and thumb crossed|🫱 rightwards hand|🫲 leftwards hand|🫳 palm down hand|" +
    "🫴 palm up hand|🫵 index pointing at the viewer|🫶 heart hands",
  nature:
    "🐀 rat|🐁 mouse|🐂 ox|🐃 water buffalo|🐄 cow|🐅 tiger|🐆 leopard|🐇 rabbit|🐈 cat|🐉 dragon|" +
    "🐊 crocodile|🐋 whale|🐌 snail|🐍 snake|🐎 horse|🐏 ram|🐐 goat|🐑 sheep|🐒 monkey|🐓 rooster|" +
    "🐔 chicken|🐕 dog|🐖 pig|🐗 boar|🐘 elephant|🐙 octopus|🐚 spiral shell|🐛 bug|🐜 ant|🐝 honeybee|" +
    "🐞 lady beetle|🐟 fish|🐠 tropical fish|🐡 blowfish|🐢 turtle|🐣 hatching chick|🐤 baby chick|" +
    "🐥 front-facing baby chick|🐦 bird|🐧 penguin|🐨 koala|🐩 poodle|🐪 dromedary camel|" +
    "🐫 bactrian camel|🐬 dolphin|🐭 mouse face|🐮 cow face|🐯 tiger face|🐰 rabbit face|🐱 cat face|" +
    "🐲 dragon face|🐳 spouting whale|🐴 horse face|🐵 monkey face|🐶 dog face|🐷 pig face|🐸 frog face|" +
    "🐹 hamster face|🐺 wolf face|🐻 bear face|🐼 panda face|🐽 pig nose|🐾 paw prints|🐿️ chipmunk|" +
    "🦀 crab|🦁 lion face|🦂 scorpion|🦃 turkey|🦄 unicorn face|🦅 eagle|🦆 duck|🦇 bat|🦈 shark|🦉 owl|" +
    "🦊 fox face|🦋 butterfly|🦌 deer|🦍 gorilla|🦎 lizard|🦏 rhinoceros|🦐 shrimp|🦑 squid|" +
    "🦒 giraffe face|🦓 zebra face|🦔 hedgehog|🦕 sauropod|🦖 t-rex|🦗 cricket|🦘 kangaroo|🦙 llama|" +
    "🦚 peacock|🦛 hippopotamus|🦜 parrot|🦝 raccoon|🦞 lobster|🦟 mosquito|🦠 microbe|🦡 badger|🦢 swan|" +
    "💐 bouquet|🌱 seedling|🌲 evergreen tree|🌳 deciduous tree|🌴 palm tree|🌵 cactus|🌶️ hot pepper|" +
    "🌷 tulip|🌸 cherry blossom|🌹 rose|🌺 hibiscus|🌻 sunflower|🌼 blossom|🌽 ear of maize|" +
    "🌾 ear of rice|🌿 herb|🍀 four leaf clover|🍁 maple leaf|🍂 fallen leaf|🍃 leaf fluttering in wind|" +
    "🍄 mushroom|🌀 cyclone|🌁 foggy|🌂 closed umbrella|🌃 night with stars|🌄 sunrise over mountains|" +
    "🌅 sunrise|🌆 cityscape at dusk|🌇 sunset over buildings|🌈 rainbow|🌉 bridge at night|🌊 water wave|" +
    "🌋 volcano|🌌 milky way|🌍 earth globe europe-africa|🌎 earth globe americas|" +
    "🌏 earth globe asia-australia|🌑 new moon symbol|🌒 waxing crescent moon symbol|" +
    "🌓 first quarter moon symbol|🌔 waxing gibbous moon symbol|🌕 full moon symbol|" +
    "🌖 waning gibbous moon symbol|🌗 last quarter moon symbol|🌘 waning crescent moon symbol|" +
    "🌙 crescent moon|🌚 new moon with face|🌛 first quarter moon with face|" +
    "🌜 last quarter moon with face|🌝 full moon with face|🌞 sun with face|🌟 glowing star|" +
    "☀️ black sun with rays|☁️ cloud|☂️ umbrella|☃️ snowman|☄️ comet|⛄ snowman without snow|" +
    "⛅ sun behind cloud|✨ sparkles|⚡ high voltage sign|🔥 fire|💧 droplet|❄️ snowflake",
  food:
    "🍅 tomato|🍆 aubergine|🍇 grapes|🍈 melon|🍉 watermelon|🍊 tangerine|🍋 lemon|🍌 banana|🍍 pineapple|" +
    "🍎 red apple|🍏 green apple|🍐 pear|🍑 peach|🍒 cherries|🍓 strawberry|🍔 hamburger|" +
    "🍕 slice of pizza|🍖 meat on bone|🍗 poultry leg|🍘 rice cracker|🍙 rice ball|🍚 cooked rice|" +
    "🍛 curry and rice|🍜 steaming bowl|🍝 spaghetti|🍞 bread|🍟 french fries|🍠 roasted sweet potato|" +
    "🍡 dango|🍢 oden|🍣 sushi|🍤 fried shrimp|🍥 fish cake with swirl design|🍦 soft ice cream|" +
    "🍧 shaved ice|🍨 ice cream|🍩 doughnut|🍪 cookie|🍫 chocolate bar|🍬 candy|🍭 lollipop|🍮 custard|" +
    "🍯 honey pot|🍰 shortcake|🍱 bento box|🍲 pot of food|🍳 cooking|🍴 fork and knife|" +
    "🍵 teacup without handle|🍶 sake bottle and cup|🍷 wine glass|🍸 cocktail glass|🍹 tropical drink|" +
    "🍺 beer mug|🍻 clinking beer mugs|🍼 baby bottle|🍽️ fork and knife with plate|" +
    "🍾 bottle with popping cork|🍿 popcorn|🥐 croissant|🥑 avocado|🥒 cucumber|🥓 bacon|🥔 potato|" +
    "🥕 carrot|🥖 baguette bread|🥗 green salad|🥘 shallow pan of food|🥙 stuffed flatbread|🥚 egg|" +
    "🥛 glass of milk|🥜 peanuts|🥝 kiwifruit|🥞 pancakes|🥟 dumpling|🥠 fortune cookie|🥡 takeout box|" +
    "🥢 chopsticks|🥣 bowl with spoon|🥤 cup with straw|🥥 coconut|🥦 broccoli|🥧 pie|🥨 pretzel|" +
    "🥩 cut of meat|🥪 sandwich|🥫 canned food|🥬 leafy green|🥭 mango|🥮 moon cake|🥯 bagel|" +
    "🧀 cheese wedge|🧁 cupcake|🧂 salt shaker|🧃 beverage box|🧄 garlic|🧅 onion|🧆 falafel|🧇 waffle|" +
    "🧈 butter|🧉 mate drink|🧊 ice cube|🧋 bubble tea|☕ hot beverage|🌭 hot dog|🌮 taco|🌯 burrito|" +
    "🫐 blueberries|🫑 bell pepper|🫒 olive|🫓 flatbread|🫔 tamale|🫕 fondue|🫖 teapot|🫗 pouring liquid|" +
    "🫘 beans|🫙 jar",
  activity:
    "⚽ soccer ball|⚾ baseball|🏀 basketball and hoop|🏁 chequered flag|🏂 snowboarder|🏄 surfer|" +
    "🏅 sports medal|🏆 trophy|🏇 horse racing|🏈 american football|🏐 volleyball|" +
    "🏓 table tennis paddle and ball|🏸 badminton racquet and shuttlecock|🥊 boxing glove|" +
    "🥋 martial arts uniform|🥌 curling stone|🎣 fishing pole and fish|🎨 artist palette|🎩 top hat|" +
    "🎪 circus tent|🎫 ticket|🎬 clapper board|🎮 video game|🎯 direct hit|🎰 slot machine|🎱 billiards|" +
    "🎲 game die|🎳 bowling|🎴 flower playing cards|🎵 musical note|🎶 multiple musical notes|" +
    "🎷 saxophone|🎸 guitar|🎹 musical keyboard|🎺 trumpet|🎻 violin|🎼 musical score|" +
    "🥇 first place medal|🥈 second place medal|🥉 third place medal|🎈 balloon|🎉 party popper|" +
    "🎊 confetti ball|🎁 wrapped present|🎆 fireworks|🎇 firework sparkler|🧩 jigsaw puzzle piece|" +
    "♟️ black chess pawn|🀄 mahjong tile red dragon|🃏 playing card black joker",
  travel:
    "🚀 rocket|🚁 helicopter|🚂 steam locomotive|🚃 railway car|🚄 high-speed train|" +
    "🚅 high-speed train with bullet nose|🚆 train|🚇 metro|🚈 light rail|🚉 station|🚊 tram|🚋 tram car|" +
    "🚌 bus|🚍 oncoming bus|🚎 trolleybus|🚏 bus stop|🚐 minibus|🚑 ambulance|🚒 fire engine|" +
    "🚓 police car|🚔 oncoming police car|🚕 taxi|🚖 oncoming taxi|🚗 automobile|🚘 oncoming automobile|" +
    "🚙 recreational vehicle|🚚 delivery truck|🚛 articulated lorry|🚜 tractor|🚝 monorail|" +
    "🚞 mountain railway|🚟 suspension railway|🚠 mountain cableway|🚡 aerial tramway|🚢 ship|🚲 bicycle|" +
    "🛩️ small airplane|✈️ airplane|⛵ sailboat|🗺️ world map|🗼 tokyo tower|🗽 statue of liberty|" +
    "🗾 silhouette of japan|🗿 moyai|🏠 house building|🏡 house with garden|🏢 office building|" +
    "🏣 japanese post office|🏤 european post office|🏥 hospital|🏦 bank|🏧 automated teller machine|" +
    "🏨 hotel|🏩 love hotel|🏪 convenience store|🏫 school|🏬 department store|🏭 factory|" +
    "🏮 izakaya lantern|🏯 japanese castle|🏰 european castle|🏔️ snow capped mountain|🏕️ camping|" +
    "🏖️ beach with umbrella|🏗️ building construction|🏘️ house buildings|🏙️ cityscape|" +
    "🏚️ derelict house building|🏛️ classical building|🏜️ desert|🏝️ desert island|🏞️ national park|" +
    "🏟️ stadium|⛺ tent|⛲ fountain|⏰ alarm clock|⌚ watch|⌛ hourglass",
  objects:
    "💡 electric light bulb|💻 personal computer|💼 briefcase|💽 minidisc|💾 floppy disk|💿 optical disc|" +
    "📱 mobile phone|📲 mobile phone with rightwards arrow at left|📳 vibration mode|📴 mobile phone off|" +
    "📵 no mobile phones|📶 antenna with bars|📷 camera|📸 camera with flash|📹 video camera|" +
    "📺 television|🔋 battery|🔌 electric plug|🔍 left-pointing magnifying glass|" +
    "🔎 right-pointing magnifying glass|🔏 lock with ink pen|🔐 closed lock with key|🔑 key|🔒 lock|" +
    "🔓 open lock|🔦 electric torch|🔧 wrench|🔨 hammer|🔩 nut and bolt|🔪 hocho|🔫 pistol|🔬 microscope|" +
    "🔭 telescope|🔮 crystal ball|📖 open book|📗 green book|📘 blue book|📙 orange book|📚 books|" +
    "📛 name badge|📜 scroll|📁 file folder|📂 open file folder|📃 page with curl|📄 page facing up|" +
    "📅 calendar|📆 tear-off calendar|📇 card index|📈 chart with upwards trend|" +
    "📉 chart with downwards trend|📊 bar chart|📋 clipboard|📌 pushpin|📍 round pushpin|📎 paperclip|" +
    "📝 memo|📣 cheering megaphone|📤 outbox tray|📥 inbox tray|📦 package|📧 e-mail symbol|" +
    "📨 incoming envelope|📩 envelope with downwards arrow above|✂️ black scissors|✏️ pencil|💰 money bag|" +
    "💱 currency exchange|💲 heavy dollar sign|💳 credit card|💴 banknote with yen sign|" +
    "💵 banknote with dollar sign|👓 eyeglasses|👔 necktie|👕 t-shirt|👖 jeans|👗 dress|👘 kimono|" +
    "👙 bikini|👚 womans clothes|👛 purse|👜 handbag|👝 pouch|👞 mans shoe|👟 athletic shoe|" +
    "👠 high-heeled shoe|👡 womans sandal|👢 womans boots|👣 footprints|💄 lipstick|💅 nail polish|" +
    "💆 face massage|💇 haircut|💈 barber pole|💉 syringe|💊 pill|💋 kiss mark|💌 love letter|💍 ring|" +
    "💎 gem stone|🧠 brain|🧡 orange heart|🧢 billed cap|🧣 scarf|🧤 gloves|🧥 coat|🧦 socks|" +
    "🧧 red gift envelope|🧨 firecracker|🧪 test tube|🧫 petri dish|🧬 dna double helix|🧭 compass|" +
    "🧮 abacus|🧯 fire extinguisher|🛒 shopping trolley|🔔 bell|🔕 bell with cancellation stroke|" +
    "✉️ envelope",
  symbols:
    "❤️ heavy black heart|💓 beating heart|💔 broken heart|💕 two hearts|💖 sparkling heart|" +
    "💗 growing heart|💘 heart with arrow|💙 blue heart|💚 green heart|💛 yellow heart|💜 purple heart|" +
    "💝 heart with ribbon|💞 revolving hearts|💟 heart decoration|🖤 black heart|🤍 white heart|" +
    "🤎 brown heart|💯 hundred points symbol|💢 anger symbol|💣 bomb|💤 sleeping symbol|" +
    "💥 collision symbol|💦 splashing sweat symbol|💨 dash symbol|💫 dizzy symbol|💬 speech balloon|" +
    "✅ white heavy check mark|❌ cross mark|❎ negative squared cross mark|❓ black question mark ornament|" +
    "❔ white question mark ornament|❕ white exclamation mark ornament|❗ heavy exclamation mark symbol|" +
    "⭐ white medium star|♻️ black universal recycling symbol|🆕 squared new|🆖 squared ng|🆗 squared ok|" +
    "🆘 squared sos|🆙 squared up with exclamation mark|🆚 squared vs|⚠️ warning sign|⛔ no entry|" +
    "🚫 no entry sign|🔴 large red circle|🔵 large blue circle|🟠 large orange circle|" +
    "🟡 large yellow circle|🟢 large green circle|🟣 large purple circle|🟤 large brown circle|" +
    "🟥 large red square|🟦 large blue square|🟧 large orange square|🟨 large yellow square|" +
    "🟩 large green square|➕ heavy plus sign|➖ heavy minus sign|➗ heavy division sign|" +
    "🔃 clockwise downwards and upwards open circle arrows|⬆️ upwards black arrow|" +
    "➡️ black rightwards arrow|⬅️ leftwards black arrow|⬇️ downwards black arrow|" +
    "🔜 soon with rightwards arrow above|☮️ peace symbol|☯️ yin yang|🛑 octagonal sign",
};
