-- Words that are erased leave the index of all words at once, and are not only marked as gone (FTS5, "The 'secure-delete' Configuration
-- Option"); those that were only marked until now go.
INSERT INTO utterance_words (utterance_words, rank) VALUES ('secure-delete', 1);
INSERT INTO utterance_words (utterance_words) VALUES ('optimize');
