"""Play the quizzes of a live room by always choosing the first option. Needs TRUNKLINE_URL, TRUNKLINE_TOKEN."""

import asyncio
import os

from trunkline.client import Client, RequestFailed


async def main() -> None:
    async with (
        Client(os.environ["TRUNKLINE_URL"], os.environ["TRUNKLINE_TOKEN"]) as me,
        await me.rooms.join("show") as room,
    ):
        print("in the room")
        async for message in room:
            quiz = message.content.get("quiz", "")
            if message.type == "quiz.asked":
                question, options = message.content["question"], message.content["options"]
                print(f"{question}. {message.content['text']} {' / '.join(options)}")
                try:
                    answer = await room.answer(quiz, question, 0)
                    print(f"answered {options[0]} after {'less' if answer.after_ms < 10_000 else 'more'} than 10 s")
                except RequestFailed as exc:
                    print("it does not count:", exc.name)
            elif message.type == "quiz.closed":
                mine = (await me.quizzes.get("show")).me
                print("right:", message.content["correct"], "I am", "out" if mine.out else "in")
            elif message.type == "quiz.ended":
                print("won by", [place.party async for place in me.quizzes.winners("show")])
                return


asyncio.run(main())
