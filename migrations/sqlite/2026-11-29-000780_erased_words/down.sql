INSERT INTO utterance_words (utterance_words, rank) VALUES ('secure-delete', 0);
