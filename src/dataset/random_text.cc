#include "dataset/random_text.h"

#include <array>

#include "llmsweep/base/random.h"

namespace llmsweep {

namespace {

constexpr uint64_t kTextStream = 0x72616e646f6d;  // "random"
constexpr size_t kParagraphBytes = 600;

constexpr auto kWords = std::to_array<std::string_view>({
    "able",     "about",    "above",    "across",   "after",    "again",    "against",  "air",
    "all",      "almost",   "alone",    "along",    "already",  "also",     "always",   "among",
    "angle",    "animal",   "answer",   "any",      "area",     "around",   "autumn",   "away",
    "back",     "balance",  "band",     "bank",     "base",     "basket",   "beach",    "bear",
    "because",  "become",   "before",   "begin",    "behind",   "believe",  "below",    "beside",
    "best",     "better",   "between",  "beyond",   "bird",     "black",    "block",    "blue",
    "board",    "boat",     "body",     "book",     "border",   "both",     "bottom",   "box",
    "branch",   "bread",    "break",    "bridge",   "bright",   "bring",    "broad",    "brother",
    "brown",    "build",    "burn",     "business", "call",     "camp",     "capital",  "captain",
    "car",      "card",     "care",     "carry",    "case",     "catch",    "cause",    "cell",
    "center",   "century",  "certain",  "chair",    "chance",   "change",   "chart",    "check",
    "child",    "circle",   "city",     "class",    "clean",    "clear",    "climb",    "clock",
    "close",    "cloud",    "coast",    "cold",     "color",    "column",   "come",     "common",
    "compare",  "complete", "contain",  "control",  "cook",     "cool",     "copper",   "corner",
    "cost",     "cotton",   "could",    "count",    "country",  "course",   "cover",    "create",
    "cross",    "crowd",    "current",  "dance",    "danger",   "dark",     "day",      "deal",
    "decide",   "deep",     "degree",   "describe", "desert",   "design",   "detail",   "differ",
    "dinner",   "direct",   "distance", "divide",   "doctor",   "door",     "double",   "down",
    "draw",     "dream",    "dress",    "drive",    "drop",     "dry",      "during",   "each",
    "early",    "earth",    "east",     "easy",     "edge",     "effect",   "eight",    "either",
    "electric", "element",  "else",     "empty",    "end",      "energy",   "engine",   "enough",
    "enter",    "equal",    "even",     "evening",  "event",    "ever",     "every",    "exact",
    "example",  "except",   "expect",   "eye",      "face",     "fact",     "fair",     "fall",
    "family",   "famous",   "far",      "farm",     "fast",     "father",   "favor",    "feed",
    "feel",     "field",    "figure",   "fill",     "final",    "find",     "fine",     "finger",
    "finish",   "fire",     "first",    "fish",     "five",     "flat",     "floor",    "flow",
    "flower",   "fly",      "follow",   "food",     "foot",     "force",    "forest",   "form",
    "forward",  "four",     "free",     "fresh",    "friend",   "front",    "fruit",    "full",
    "game",     "garden",   "gas",      "gather",   "general",  "gentle",   "get",      "girl",
    "give",     "glad",     "glass",    "gold",     "good",     "govern",   "grand",    "grass",
    "gray",     "great",    "green",    "ground",   "group",    "grow",     "guess",    "guide",
    "hair",     "half",     "hand",     "happen",   "happy",    "hard",     "head",     "hear",
    "heart",    "heat",     "heavy",    "help",     "high",     "hill",     "history",  "hold",
    "home",     "hope",     "horse",    "hot",      "hour",     "house",    "human",    "hundred",
    "hunt",     "hurry",    "ice",      "idea",     "imagine",  "inch",     "include",  "indicate",
    "industry", "insect",   "instant",  "interest", "invent",   "iron",     "island",   "join",
    "journey",  "jump",     "just",     "keep",     "kind",     "king",     "kitchen",  "know",
    "ladder",   "lake",     "land",     "language", "large",    "last",     "late",     "laugh",
    "law",      "lay",      "lead",     "learn",    "leave",    "left",     "length",   "lesson",
    "letter",   "level",    "lie",      "lift",     "light",    "like",     "line",     "liquid",
    "list",     "listen",   "little",   "live",     "log",      "long",     "look",     "lost",
    "loud",     "love",     "low",      "machine",  "magnet",   "main",     "major",    "make",
    "many",     "map",      "mark",     "market",   "master",   "match",    "material", "matter",
    "mean",     "measure",  "meat",     "meet",     "melody",   "metal",    "method",   "middle",
    "might",    "mile",     "milk",     "million",  "mind",     "minute",   "miss",     "mix",
    "modern",   "moment",   "money",    "month",    "moon",     "morning",  "most",     "mother",
    "motion",   "mountain", "mouth",    "move",     "much",     "music",    "must",     "name",
    "nation",   "natural",  "nature",   "near",     "neck",     "need",     "never",    "new",
    "next",     "night",    "nine",     "noise",    "noon",     "north",    "note",     "nothing",
    "notice",   "number",   "object",   "observe",  "ocean",    "off",      "offer",    "office",
    "often",    "oil",      "old",      "once",     "only",     "open",     "opposite", "orange",
    "order",    "other",    "over",     "own",      "page",     "paint",    "pair",     "paper",
    "part",     "party",    "pass",     "past",     "path",     "pattern",  "pay",      "people",
    "perhaps",  "person",   "phrase",   "picture",  "piece",    "place",    "plain",    "plan",
    "plane",    "planet",   "plant",    "play",     "please",   "poem",     "point",    "poor",
    "port",     "position", "possible", "pound",    "power",    "practice", "prepare",  "present",
    "press",    "pretty",   "print",    "probable", "problem",  "process",  "produce",  "product",
    "proper",   "protect",  "prove",    "provide",  "pull",     "push",     "put",      "quart",
    "question", "quick",    "quiet",    "quite",    "race",     "radio",    "rail",     "rain",
    "raise",    "range",    "rather",   "reach",    "read",     "ready",    "real",     "reason",
    "record",   "red",      "region",   "remember", "repeat",   "reply",    "require",  "rest",
    "result",   "rich",     "ride",     "right",    "ring",     "rise",     "river",    "road",
    "rock",     "roll",     "room",     "root",     "rope",     "rose",     "round",    "row",
    "rule",     "run",      "safe",     "sail",     "salt",     "same",     "sand",     "save",
    "scale",    "school",   "science",  "score",    "sea",      "search",   "season",   "seat",
    "second",   "section",  "see",      "seed",     "select",   "sense",    "sentence", "separate",
    "serve",    "settle",   "seven",    "several",  "shape",    "share",    "sharp",    "sheet",
    "shell",    "shine",    "ship",     "shoe",     "shop",     "shore",    "short",    "should",
    "shoulder", "show",     "side",     "sight",    "sign",     "silent",   "silver",   "similar",
    "simple",   "since",    "sing",     "single",   "sister",   "sit",      "six",      "size",
    "skill",    "skin",     "sky",      "sleep",    "slip",     "slow",     "small",    "smell",
    "smile",    "snow",     "soft",     "soil",     "soldier",  "solution", "solve",    "some",
    "song",     "soon",     "sound",    "south",    "space",    "speak",    "special",  "speech",
    "speed",    "spell",    "spend",    "spoke",    "spot",     "spread",   "spring",   "square",
    "stand",    "star",     "start",    "state",    "station",  "stay",     "steam",    "steel",
    "step",     "stick",    "still",    "stone",    "stop",     "store",    "story",    "straight",
    "strange",  "stream",   "street",   "string",   "strong",   "student",  "study",    "subject",
    "success",  "sudden",   "sugar",    "suggest",  "suit",     "summer",   "sun",      "supply",
    "support",  "sure",     "surface",  "surprise", "swim",     "symbol",   "system",   "table",
    "tail",     "take",     "talk",     "tall",     "teach",    "team",     "tell",     "ten",
    "term",     "test",     "than",     "thank",    "their",    "then",     "there",    "thick",
    "thin",     "thing",    "think",    "third",    "though",   "thought",  "thousand", "three",
    "through",  "thus",     "time",     "tiny",     "together", "tone",     "tool",     "top",
    "total",    "touch",    "toward",   "town",     "track",    "trade",    "train",    "travel",
    "tree",     "triangle", "trip",     "trouble",  "truck",    "true",     "tube",     "turn",
    "twenty",   "two",      "type",     "under",    "unit",     "until",    "use",      "usual",
    "valley",   "value",    "vary",     "very",     "view",     "village",  "visit",    "voice",
    "vowel",    "wait",     "walk",     "wall",     "want",     "warm",     "wash",     "watch",
    "water",    "wave",     "way",      "wear",     "weather",  "week",     "weight",   "well",
    "west",     "wheel",    "when",     "where",    "while",    "white",    "whole",    "wide",
    "wild",     "wind",     "window",   "wing",     "winter",   "wire",     "wish",     "with",
    "wonder",   "wood",     "word",     "work",     "world",    "would",    "write",    "yard",
    "year",     "yellow",   "young",
});

}  // namespace

std::span<const std::string_view> common_words() {
  return kWords;
}

std::string random_paragraph(uint64_t seed, uint64_t index) {
  Random random(seed ^ kTextStream, index);
  std::string text;
  while (text.size() < kParagraphBytes) {
    uint64_t words = 6 + random.below(12);
    for (uint64_t w = 0; w < words; ++w) {
      std::string_view word = kWords[random.below(kWords.size())];
      if (!text.empty()) text += ' ';
      size_t at = text.size();
      text += word;
      if (w == 0) text[at] = static_cast<char>(text[at] - 'a' + 'A');
      if (w + 1 < words && random.chance(0.08)) text += ',';
    }
    text += random.chance(0.1) ? '?' : '.';
  }
  return text;
}

}  // namespace llmsweep
