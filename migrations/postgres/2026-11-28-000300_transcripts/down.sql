DROP TABLE utterances;
