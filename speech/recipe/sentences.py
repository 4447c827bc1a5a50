"""What is said: phrases of meetings and phone menus, and words in any order."""

from lexicon import UNKNOWN, WORDS, strangers

FIRST_WORDS = WORDS[: WORDS.index("eleven")]
"""The vocabulary of the model's first version: measured by themselves, so that more words do no harm unseen."""

FIRST_TEMPLATES = """
hello i want to speak with {team}
please {act} the {thing}
thank you {bye}
my account number is {d4}
i need help with my {thing}
press {d1} for {team} press {d1} for {team}
can you {act} the {thing} {day}
the {thing} is {open}
good {part} welcome to the {team} team
we need an agent
{yn} please {act} the {thing}
{yn} thank you
call me back {day} {part}
transfer the call to {team}
please hold on
{act} the {thing} {day}
my order number is {d6}
i want to talk to an operator
is this the {team} office
leave a voice message
open the main menu
the meeting time is {d1} {d1}
{d4}
{d6}
{d10}
press {d1}
{yn}
{bye}
hang up the phone
""".strip().splitlines()

TEMPLATES = FIRST_TEMPLATES + """
the next topic is the {topic}
please share the {topic} with everyone
we need to review the {topic} this {span}
everyone please mute your {device}
i want to change my {device} settings
please raise your hand
please lower your hand
invite the {person} to the meeting
the {person} is in the lobby
the host is ready to begin
the {person} is {state}
turn on captions in {tongue}
start the transcript in {tongue}
send me the transcript
please send the {doc} to my email
download the {doc} and save this
can you update the {doc} next {span}
{edit} the {doc}
please enter the password and press {key}
enter the {d4} digit code and press {key}
enter extension {d4}
for {tongue} press {d1}
for the {person} press {d1}
press {key} to {flow}
i want to talk to the {person}
i need to change my {service}
i want to cancel my {service}
i need a refund for my {service}
my address is {tens} {d1} main
the total price is {tens} {d1}
the balance is {tens} thousand
the price is {d1} hundred
please wait in the queue
the network connection is wrong
sorry i can not listen to this noise
okay {flow}
maybe next {span}
{flow} please
the {noise} is louder
the budget is {d1} thousand
select the {service} department
choose the language
the mailbox greeting is correct
this is an emergency call the hospital
the deadline is next {day}
the technical department is busy
is the {person} available {day} {part}
which country and city
the meeting is at {hour}
wait {tens} minutes
one hour and {tens} minutes
""".strip().splitlines()

SLOTS = {
    "team": "sales support billing service customer",
    "act": "record start stop pause resume mute unmute cancel confirm share join leave repeat close open",
    "thing": "meeting recording call order payment invoice account problem question video screen camera email message voice option room",
    "bye": "goodbye thanks",
    "day": "today tomorrow monday tuesday wednesday thursday friday saturday sunday",
    "part": "morning afternoon",
    "yn": "yes no",
    "open": "open close right left good",
    "topic": "agenda minutes topic project budget deadline report review schedule slides",
    "device": "microphone speaker headset volume background layout camera",
    "person": "guest host moderator participant manager director doctor nurse reception speaker operator agent",
    "state": "available busy ready quiet louder",
    "tongue": "english spanish",
    "doc": "report file folder document transcript slides agenda minutes website",
    "edit": "update delete save send receive download remove change review",
    "service": "booking reservation delivery appointment insurance policy card credit deposit address internet payment order",
    "key": "star pound",
    "flow": "continue skip previous next finish begin wait answer",
    "noise": "noise volume background headset",
    "span": "week month year hour",
    "tens": "twenty thirty forty fifty ten eleven twelve",
    "hour": "eleven twelve ten nine eight",
}
SLOTS = {name: words.split() for name, words in SLOTS.items()}
DIGITS = "zero one two three four five six seven eight nine".split()


def fill(random, template):
    """A template's words; those that the vocabulary lacks ("a", "your") are left out."""
    words = []
    for token in template.split():
        if token.startswith("{d") and token[2:-1].isdigit():
            words += [random.choice(DIGITS) for _ in range(int(token[2:-1]))]
        elif token.startswith("{"):
            words.append(random.choice(SLOTS[token[1:-1]]))
        elif token in KNOWN:
            words.append(token)
    return words


KNOWN = set(WORDS)


def any_order(random, words=WORDS):
    return [random.choice(words) for _ in range(random.randint(1, 7))]


def first_words(random):
    """A sentence of the first version's generator and vocabulary."""
    if random.random() < 0.45:
        return fill(random, random.choice(FIRST_TEMPLATES))
    return any_order(random, FIRST_WORDS)


def all_words(random):
    if random.random() < 0.5:
        return fill(random, random.choice(TEMPLATES))
    return any_order(random)


def unknown(random, held_out):
    """(spoken, wanted): words that the model does not know, and as many `[unk]`."""
    spoken = [random.choice(strangers()[held_out]) for _ in range(random.randint(1, 6))]
    return spoken, [UNKNOWN] * len(spoken)


def mixed(random, held_out):
    """(spoken, wanted): a known sentence with unknown words in it."""
    spoken = all_words(random)
    wanted = list(spoken)
    for _ in range(random.randint(1, 3)):
        at = random.randint(0, len(spoken))
        spoken.insert(at, random.choice(strangers()[held_out]))
        wanted.insert(at, UNKNOWN)
    return spoken, wanted
