"""Hot words and context: mined from text, found by sound, verified on the audio. Pure; engines are asked for scores."""
