DROP TABLE utterance_words;
DROP TABLE utterances;
