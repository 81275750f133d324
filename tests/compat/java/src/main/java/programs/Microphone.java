package programs;

import com.alibaba.dashscope.audio.asr.recognition.Recognition;
import com.alibaba.dashscope.utils.Constants;
import java.io.File;
import java.nio.ByteBuffer;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import javax.sound.sampled.AudioInputStream;
import javax.sound.sampled.AudioSystem;

/**
 * Captions what a line hears, in pieces as small as a sound card gives them. A recording plays the part of the line: it
 * is read by the same call, and gives bare samples.
 *
 * <p>Arguments: URL of the task protocol, wav file.
 */
public final class Microphone {
  private static final int READ_BYTES = 1024;
  private static final int PAUSE_MS = 20;

  public static void main(String[] arguments) throws InterruptedException {
    Constants.baseWebsocketApiUrl = arguments[0];
    ExecutorService worker = Executors.newSingleThreadExecutor();
    worker.submit(() -> caption(new File(arguments[1])));
    worker.shutdown();
    worker.awaitTermination(1, TimeUnit.MINUTES);
    System.exit(0);
  }

  private static void caption(File recording) {
    Recognition recognition = new Recognition();
    try (AudioInputStream line = AudioSystem.getAudioInputStream(recording)) {
      recognition.call(Captions.param(), new Captions(""));
      ByteBuffer buffer = ByteBuffer.allocate(READ_BYTES);
      int count;
      while ((count = line.read(buffer.array(), 0, buffer.capacity())) > 0) {
        buffer.limit(count);
        recognition.sendAudioFrame(buffer);
        buffer = ByteBuffer.allocate(READ_BYTES);
        Thread.sleep(PAUSE_MS);
      }
      recognition.stop();
    } catch (Exception error) {
      error.printStackTrace();
    } finally {
      recognition.getDuplexApi().close(1000, "bye");
    }
    Captions.printMetrics(recognition);
  }
}
