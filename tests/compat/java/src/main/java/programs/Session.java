package programs;

import com.alibaba.dashscope.audio.omni.OmniRealtimeCallback;
import com.alibaba.dashscope.audio.omni.OmniRealtimeConfig;
import com.alibaba.dashscope.audio.omni.OmniRealtimeConversation;
import com.alibaba.dashscope.audio.omni.OmniRealtimeModality;
import com.alibaba.dashscope.audio.omni.OmniRealtimeParam;
import com.alibaba.dashscope.audio.omni.OmniRealtimeTranscriptionParam;
import com.google.gson.JsonObject;
import java.nio.file.Files;
import java.nio.file.Paths;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * Holds a session of Qwen-ASR realtime and prints its events as they come, one JSON object in a line, then how the
 * connection was closed.
 *
 * <p>Arguments: URL of the session protocol, file of bare samples, and who divides what is said: "vad" or "manual". As
 * "confused" the program leaves it to the server and commits all the same, and asks for a response.
 */
public final class Session {
  private static final int FRAME_BYTES = 3200;
  private static final int PAUSE_MS = 20;

  public static void main(String[] arguments) throws Exception {
    CountDownLatch closed = new CountDownLatch(1);
    OmniRealtimeParam param =
        OmniRealtimeParam.builder()
            .model("qwen3-asr-flash-realtime")
            .url(arguments[0])
            .apikey(System.getenv("DASHSCOPE_API_KEY"))
            .build();
    OmniRealtimeConversation conversation = new OmniRealtimeConversation(param, printing(closed));
    conversation.connect();
    conversation.updateSession(config(arguments[2].equals("manual")));
    append(conversation, Files.readAllBytes(Paths.get(arguments[1])));
    if (!arguments[2].equals("vad")) {
      conversation.commit();
    }
    if (arguments[2].equals("confused")) {
      conversation.createResponse(null, null);
    }
    conversation.endSession();
    closed.await(20, TimeUnit.SECONDS);
    System.out.printf("{\"type\":\"done\",\"session_id\":\"%s\"}%n", conversation.getSessionId());
    System.exit(0);
  }

  private static OmniRealtimeConfig config(boolean manual) {
    OmniRealtimeTranscriptionParam transcription = new OmniRealtimeTranscriptionParam("pcm", 16000);
    transcription.setLanguage("en");
    transcription.setCorpusText("Samuel Beckett, Worstward Ho");
    return OmniRealtimeConfig.builder()
        .modalities(List.of(OmniRealtimeModality.TEXT))
        .enableTurnDetection(!manual)
        .transcriptionConfig(transcription)
        .build();
  }

  private static void append(OmniRealtimeConversation conversation, byte[] samples) throws InterruptedException {
    for (int at = 0; at < samples.length; at += FRAME_BYTES) {
      byte[] frame = Arrays.copyOfRange(samples, at, Math.min(at + FRAME_BYTES, samples.length));
      conversation.appendAudio(Base64.getEncoder().encodeToString(frame));
      Thread.sleep(PAUSE_MS);
    }
  }

  private static OmniRealtimeCallback printing(CountDownLatch closed) {
    return new OmniRealtimeCallback() {
      @Override
      public void onEvent(JsonObject event) {
        System.out.println(event);
      }

      @Override
      public void onClose(int code, String reason) {
        System.out.printf("{\"type\":\"close\",\"code\":%d}%n", code);
        closed.countDown();
      }
    };
  }
}
