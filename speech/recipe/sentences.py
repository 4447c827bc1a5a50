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
we need to review the {topic} {day}
everyone please mute your {device}
i need to update my {device} settings
invite the {person} to the meeting
we can begin the meeting
the {person} is {state}
turn on captions in {tongue}
start the transcript in {tongue}
leave me the transcript
please {edit} the {doc}
download the {doc} and share this
can you update the {doc} {day}
{edit} the {doc}
the password is {d4}
extension {d4}
for {tongue} press {d1}
for the {person} press {d1}
press {d1} to {flow}
i want to talk to the {person}
i need to update my {service}
i want to cancel my {service}
i need a refund for my {service}
my address is {tens} {d1} main
the total is {tens} {d1}
the balance is {tens} thousand
the deposit is {d1} hundred
the network connection is correct
i can listen to this message
please {flow}
{flow} please
the {noise} is quiet
the budget is {d1} thousand
select the {service} department
select the language
the mailbox greeting is correct
this is an emergency call the hospital
the deadline is {day}
the technical department is available
is the {person} available {day} {part}
the country and the address
the meeting is at {hour}
{tens} minutes
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
    "device": "microphone speaker headset volume background camera",
    "person": "moderator participant manager director doctor reception speaker operator agent",
    "state": "available quiet",
    "tongue": "english spanish",
    "doc": "report folder document transcript slides agenda minutes website",
    "edit": "update delete receive download remove review",
    "service": "booking reservation delivery appointment insurance policy credit deposit address internet payment order",
    "flow": "continue previous next finish begin",
    "noise": "volume background headset",
    "tens": "twenty forty fifty ten eleven twelve",
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
